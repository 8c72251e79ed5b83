/* test_session.c - what the program `vma` says, to the byte: each sentence of its language, alone and with others. */
#include "session.h"
#include "streams.h"

#include <stdarg.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define BAD "Invalid command. Please try again.\n"
#define ARENA "ALLOC_ARENA 1000\n"
#define PAIR ARENA "ALLOC_BLOCK 100 50\nALLOC_BLOCK 150 50\n"

struct sentence {
    const char *says;
    const char *input;
    const char *output;
};

static const struct sentence sentences[] = {
    {"success says nothing", PAIR "WRITE 100 3 abc\nMPROTECT 100 PROT_READ\nDEALLOC_ARENA\n", ""},
    {"a block at the size of the arena is outside", ARENA "ALLOC_BLOCK 1000 1\n",
     "The allocated address is outside the size of arena\n"},
    {"outside comes before past the end", ARENA "ALLOC_BLOCK 2000 5000\n",
     "The allocated address is outside the size of arena\n"},
    {"a block past the end", ARENA "ALLOC_BLOCK 990 11\n",
     "The end address is past the size of the arena\n"},
    {"a block up to the end is legal", ARENA "ALLOC_BLOCK 990 10\n", ""},
    {"an end that wraps around is past the end", ARENA "ALLOC_BLOCK 990 18446744073709551615\n",
     "The end address is past the size of the arena\n"},
    {"past the end comes before overlap", ARENA "ALLOC_BLOCK 0 10\nALLOC_BLOCK 5 2000\n",
     "The end address is past the size of the arena\n"},
    {"overlap by the last byte", ARENA "ALLOC_BLOCK 10 10\nALLOC_BLOCK 19 1\n",
     "This zone was already allocated.\n"},
    {"overlap by the first byte", ARENA "ALLOC_BLOCK 10 10\nALLOC_BLOCK 5 6\n",
     "This zone was already allocated.\n"},
    {"overlap around", ARENA "ALLOC_BLOCK 10 10\nALLOC_BLOCK 0 100\n",
     "This zone was already allocated.\n"},
    {"to touch is no overlap", ARENA "ALLOC_BLOCK 10 10\nALLOC_BLOCK 0 10\nALLOC_BLOCK 20 5\n", ""},
    {"an empty block is a bad command", ARENA "ALLOC_BLOCK 10 0\n", BAD BAD BAD},
    {"free needs the start of a miniblock",
     PAIR "FREE_BLOCK 101\nFREE_BLOCK 99\nFREE_BLOCK 150\nFREE_BLOCK 150\n",
     "Invalid address for free.\nInvalid address for free.\nInvalid address for free.\n"},
    {"read what was written", PAIR "WRITE 100 5 hello\nREAD 100 5\n", "hello\n"},
    {"read of what was not written is a newline", PAIR "READ 100 5\n", "\n"},
    {"read of nothing is a newline", PAIR "READ 100 0\n", "\n"},
    {"read nowhere", PAIR "READ 99 1\nREAD 200 1\nREAD 2000 0\n",
     "Invalid address for read.\nInvalid address for read.\nInvalid address for read.\n"},
    {"a read goes to the end of the block", PAIR "WRITE 148 4 abcd\nREAD 148 100\n",
     "Warning: size was bigger than the block size. Reading 52 characters.\nabcd\n"},
    {"bytes of value 0 are not printed", PAIR "WRITE 100 1 a\nWRITE 110 1 b\nREAD 100 20\n",
     "ab\n"},
    {"a newline is content", PAIR "WRITE 100 5 a\nb\nc\nREAD 100 5\n", "a\nb\nc\n"},
    {"commands in a payload are content", PAIR "WRITE 100 5 PMAP\nREAD 100 5\n", "PMAP\n\n"},
    {"one byte is skipped behind the size", PAIR "WRITE 100 3  ab\nREAD 100 3\n", " ab\n"},
    {"that byte may be a newline", PAIR "WRITE 100 2\nabREAD 100 2\n", "ab\n"},
    {"what follows a payload is a new line", PAIR "WRITE 100 2 abREAD 100 2\n", "ab\n"},
    {"a write past the block", PAIR "WRITE 198 5 abcde\nREAD 198 2\n",
     "Warning: size was bigger than the block size. Writing 2 characters.\nab\n"},
    {"a write nowhere takes its payload", PAIR "WRITE 50 5 PMAP\nREAD 100 1\n",
     "Invalid address for write.\n\n"},
    {"a denied write takes its payload, and changes nothing",
     PAIR "MPROTECT 150 PROT_READ\nWRITE 149 2 ab\nREAD 149 2\n",
     "Invalid permissions for write.\n\n"},
    {"a denied read", PAIR "MPROTECT 150 PROT_WRITE\nREAD 100 50\nREAD 100 51\n",
     "\nInvalid permissions for read.\n"},
    {"denial comes without a warning",
     PAIR "MPROTECT 150 PROT_NONE\nREAD 100 500\nWRITE 100 3 abc\n"
          "WRITE 149 200 a\n",
     "Invalid permissions for read.\nInvalid permissions for write.\n"},
    {"a payload that is cut off is what came", PAIR "WRITE 100 10 abc", ""},
    {"and needs no permission behind it", PAIR "MPROTECT 150 PROT_READ\nWRITE 148 10 ab", ""},
    {"and is denied where it came to", PAIR "MPROTECT 150 PROT_READ\nWRITE 148 10 abc",
     "Invalid permissions for write.\n"},
    {"also where it did not come to what is denied as well",
     PAIR "ALLOC_BLOCK 200 50\nMPROTECT 150 PROT_READ\nMPROTECT 200 PROT_READ\nWRITE 148 90 abc",
     "Invalid permissions for write.\n"},
    {"mprotect needs the start of a miniblock",
     PAIR "MPROTECT 101 PROT_READ\nMPROTECT 0 PROT_READ\n",
     "Invalid address for mprotect.\nInvalid address for mprotect.\n"},
    {"flags are or-ed, in any order, without spaces too",
     ARENA "ALLOC_BLOCK 0 1\nMPROTECT 0 PROT_EXEC|PROT_READ\nALLOC_BLOCK 1 1\n"
           "MPROTECT 1 PROT_WRITE | PROT_EXEC\nALLOC_BLOCK 2 1\nMPROTECT 2 PROT_NONE\nPMAP\n",
     "Total memory: 0x3E8 bytes\nFree memory: 0x3E5 bytes\nNumber of allocated blocks: 1\n"
     "Number of allocated miniblocks: 3\n\nBlock 1 begin\nZone: 0x0 - 0x3\n"
     "Miniblock 1:\t\t0x0\t\t-\t\t0x1\t\t| R-X\nMiniblock 2:\t\t0x1\t\t-\t\t0x2\t\t| -WX\n"
     "Miniblock 3:\t\t0x2\t\t-\t\t0x3\t\t| ---\nBlock 1 end\n"},
    {"a bar at the wrong place, or none, is a bad command",
     PAIR "MPROTECT 100 PROT_READ PROT_EXEC\nMPROTECT 100 |PROT_READ\nMPROTECT 100 PROT_READ|\n"
          "MPROTECT 100\n",
     BAD BAD BAD BAD BAD BAD BAD BAD BAD BAD BAD BAD},
    {"an unknown flag is a bad command", PAIR "MPROTECT 100 PROT_ALL\n", BAD BAD BAD},
    {"pmap of nothing", ARENA "PMAP\n",
     "Total memory: 0x3E8 bytes\nFree memory: 0x3E8 bytes\nNumber of allocated blocks: 0\n"
     "Number of allocated miniblocks: 0\n"},
    {"pmap of two blocks", PAIR "ALLOC_BLOCK 0 1\nPMAP\n",
     "Total memory: 0x3E8 bytes\nFree memory: 0x383 bytes\nNumber of allocated blocks: 2\n"
     "Number of allocated miniblocks: 3\n\nBlock 1 begin\nZone: 0x0 - 0x1\n"
     "Miniblock 1:\t\t0x0\t\t-\t\t0x1\t\t| RW-\nBlock 1 end\n\nBlock 2 begin\nZone: 0x64 - 0xC8\n"
     "Miniblock 1:\t\t0x64\t\t-\t\t0x96\t\t| RW-\nMiniblock 2:\t\t0x96\t\t-\t\t0xC8\t\t| RW-\n"
     "Block 2 end\n"},
    {"a hole is filled and all is one block, with permissions of their own",
     ARENA "ALLOC_BLOCK 0 10\nALLOC_BLOCK 20 10\nMPROTECT 0 PROT_READ\nMPROTECT 20 PROT_EXEC\n"
           "ALLOC_BLOCK 10 10\nPMAP\n",
     "Total memory: 0x3E8 bytes\nFree memory: 0x3CA bytes\nNumber of allocated blocks: 1\n"
     "Number of allocated miniblocks: 3\n\nBlock 1 begin\nZone: 0x0 - 0x1E\n"
     "Miniblock 1:\t\t0x0\t\t-\t\t0xA\t\t| R--\nMiniblock 2:\t\t0xA\t\t-\t\t0x14\t\t| RW-\n"
     "Miniblock 3:\t\t0x14\t\t-\t\t0x1E\t\t| --X\nBlock 1 end\n"},
    {"a middle miniblock splits its block; the others keep their content",
     ARENA "ALLOC_BLOCK 0 2\nALLOC_BLOCK 2 2\nALLOC_BLOCK 4 2\nWRITE 0 6 abcdef\nFREE_BLOCK 2\n"
           "READ 0 6\nREAD 4 2\nREAD 2 1\n",
     "Warning: size was bigger than the block size. Reading 2 characters.\nab\nef\n"
     "Invalid address for read.\n"},
    {"freed content is gone",
     PAIR "WRITE 100 3 abc\nFREE_BLOCK 100\nALLOC_BLOCK 100 50\nREAD 100 3\n", "\n"},
    {"a write of nothing takes the one byte", PAIR "WRITE 100 0 PMAP x\nWRITE 99 0\nPMAP x\n",
     BAD BAD "Invalid address for write.\n" BAD BAD},
    {"what is left of a line behind its payload is a line",
     PAIR "WRITE 100 2 abcd ef\nREAD 100 4\n", BAD BAD "ab\n"},
    {"up to the end of the block there is no warning", PAIR "WRITE 198 2 ab\nREAD 198 2\n", "ab\n"},
    {"a write goes across miniblocks, and so does a read",
     PAIR "ALLOC_BLOCK 98 2\nWRITE 98 54 "
          "ABcdefghijklmnopqrstuvwxyzabcdefghijklmnopqrstuvwxyzYZ"
          "READ 98 4\nREAD 149 3\n",
     "ABcd\nzYZ\n"},
    {"a permission is needed where bytes are touched alone",
     PAIR "ALLOC_BLOCK 200 5\nMPROTECT 150 PROT_NONE\nREAD 100 50\nREAD 200 9\nREAD 199 1\n"
          "READ 199 0\nWRITE 200 1 zREAD 200 1\n",
     "\nWarning: size was bigger than the block size. Reading 5 characters.\n\n"
     "Invalid permissions for read.\n\nz\n"},
    {"a write needs no permission to read, and the other way round",
     PAIR "MPROTECT 100 PROT_WRITE\nWRITE 100 1 a\nREAD 100 1\nMPROTECT 100 PROT_READ\n"
          "READ 100 1\nWRITE 100 1 b\nMPROTECT 100 PROT_EXEC\nREAD 100 1\nWRITE 100 1 c\n",
     "Invalid permissions for read.\na\nInvalid permissions for write.\n"
     "Invalid permissions for read.\nInvalid permissions for write.\n"},
    {"a permission replaces the one before",
     ARENA "ALLOC_BLOCK 0 1\nMPROTECT 0 PROT_READ\nMPROTECT 0 PROT_NONE | PROT_EXEC\nPMAP\n",
     "Total memory: 0x3E8 bytes\nFree memory: 0x3E7 bytes\nNumber of allocated blocks: 1\n"
     "Number of allocated miniblocks: 1\n\nBlock 1 begin\nZone: 0x0 - 0x1\n"
     "Miniblock 1:\t\t0x0\t\t-\t\t0x1\t\t| --X\nBlock 1 end\n"},
    {"the first and the last miniblock shrink their block, the only one ends it",
     ARENA "ALLOC_BLOCK 0 10\nALLOC_BLOCK 10 10\nALLOC_BLOCK 20 10\nWRITE 10 3 abc\nFREE_BLOCK 0\n"
           "FREE_BLOCK 20\nREAD 10 11\nPMAP\nFREE_BLOCK 10\nPMAP\n",
     "Warning: size was bigger than the block size. Reading 10 characters.\nabc\n"
     "Total memory: 0x3E8 bytes\nFree memory: 0x3DE bytes\nNumber of allocated blocks: 1\n"
     "Number of allocated miniblocks: 1\n\nBlock 1 begin\nZone: 0xA - 0x14\n"
     "Miniblock 1:\t\t0xA\t\t-\t\t0x14\t\t| RW-\nBlock 1 end\n"
     "Total memory: 0x3E8 bytes\nFree memory: 0x3E8 bytes\nNumber of allocated blocks: 0\n"
     "Number of allocated miniblocks: 0\n"},
    {"permissions survive a split, a new miniblock has its own",
     ARENA "ALLOC_BLOCK 0 1\nALLOC_BLOCK 1 1\nALLOC_BLOCK 2 1\nMPROTECT 0 PROT_READ\n"
           "MPROTECT 1 PROT_NONE\nMPROTECT 2 PROT_EXEC\nFREE_BLOCK 1\nALLOC_BLOCK 1 1\nPMAP\n",
     "Total memory: 0x3E8 bytes\nFree memory: 0x3E5 bytes\nNumber of allocated blocks: 1\n"
     "Number of allocated miniblocks: 3\n\nBlock 1 begin\nZone: 0x0 - 0x3\n"
     "Miniblock 1:\t\t0x0\t\t-\t\t0x1\t\t| R--\nMiniblock 2:\t\t0x1\t\t-\t\t0x2\t\t| RW-\n"
     "Miniblock 3:\t\t0x2\t\t-\t\t0x3\t\t| --X\nBlock 1 end\n"},
    {"a bad write is one line with all its words",
     PAIR "WRITE 100 x a b\nWRITE -1 2 ab\nWRITE 100\n",
     BAD BAD BAD BAD BAD BAD BAD BAD BAD BAD BAD},
    {"a write without an arena is a line, its payload more lines", "WRITE 0 3 a\nb\n",
     BAD BAD BAD BAD BAD},
    {"a write that ends at its size is at its address still", PAIR "WRITE 99 5",
     "Invalid address for write.\n"},
    {"an end with a parameter is none", ARENA "DEALLOC_ARENA now\nFOO\n", BAD BAD BAD},
    {"white space is any, anywhere between words", "\t ALLOC_ARENA\t1000 \r\n\v\fREAD\f1  1\r\n",
     "Invalid address for read.\n"},
    {"zeros before a number are allowed", PAIR "READ 0000000000000000000000000000099 01\n",
     "Invalid address for read.\n"},
    {"an arena of no addresses", "ALLOC_ARENA 0\nALLOC_BLOCK 0 1\nREAD 0 0\n",
     "The allocated address is outside the size of arena\nInvalid address for read.\n"},
    {"every word of a bad line is told", ARENA "ALLOCK_BLOCK 1 1\n", BAD BAD BAD},
    {"too few and too many words", ARENA "READ 1\nPMAP now\nFREE_BLOCK\n", BAD BAD BAD BAD BAD},
    {"numbers that are none, or too large",
     ARENA "FREE_BLOCK -1\nFREE_BLOCK 1x\nFREE_BLOCK 18446744073709551616\n",
     BAD BAD BAD BAD BAD BAD},
    {"case matters", "alloc_arena 5\n", BAD BAD},
    {"empty lines are ignored", ARENA "\n  \n\t\r\nPMAP x\n", BAD BAD},
    {"without an arena all is bad", "PMAP\nALLOC_BLOCK 0 1\nWRITE 0 1 x\n",
     BAD BAD BAD BAD BAD BAD BAD BAD},
    {"but its end", "DEALLOC_ARENA\nPMAP\n", ""},
    {"nothing is read behind the end", ARENA "DEALLOC_ARENA\nPMAP\n", ""},
    {"a second arena begins anew", PAIR "ALLOC_ARENA 16\nPMAP\n",
     "Total memory: 0x10 bytes\nFree memory: 0x10 bytes\nNumber of allocated blocks: 0\n"
     "Number of allocated miniblocks: 0\n"},
    {"the last line needs no newline", ARENA "ALLOC_BLOCK 1000 1",
     "The allocated address is outside the size of arena\n"},
    {"an arena of nearly all addresses",
     "ALLOC_ARENA 18446744073709551615\nALLOC_BLOCK 18446744073709551614 1\n"
     "WRITE 18446744073709551614 1 z\nREAD 18446744073709551614 9\n",
     "Warning: size was bigger than the block size. Reading 1 characters.\nz\n"},
    {"a block up to the last of all addresses",
     "ALLOC_ARENA 18446744073709551615\nALLOC_BLOCK 1 18446744073709551614\n"
     "WRITE 18446744073709551610 6 abcdef\nREAD 18446744073709551610 5\nREAD 1 4\n",
     "Warning: size was bigger than the block size. Writing 5 characters.\nabcde\n\n"},
    {"a large block may be written to anywhere, in any order",
     "ALLOC_ARENA 100000\nALLOC_BLOCK 0 100000\nWRITE 50000 2 yzWRITE 10 2 ab"
     "WRITE 8190 4 mnopREAD 0 100000\nREAD 8191 2\n",
     "abmnopyz\nno\n"},
    {"a block of 2^63 bytes costs what is written to it",
     "ALLOC_ARENA 9223372036854775808\nALLOC_BLOCK 0 9223372036854775808\n"
     "WRITE 4611686018427387904 2 ab\nREAD 0 9223372036854775808\n",
     "ab\n"},
};

static void test_every_sentence_to_the_byte(void **state)
{
    unsigned wrong = 0;

    (void)state;
    for (size_t i = 0; i < sizeof sentences / sizeof *sentences; i++) {
        const struct sentence *sentence = &sentences[i];
        for (size_t piece = 1; piece < 2000; piece = piece < 8 ? piece + 1 : piece * 10) {
            size_t size;
            char *output = streams_session(sentence->input, strlen(sentence->input), piece, &size);
            assert_non_null(output);
            if (size != strlen(sentence->output) || strcmp(output, sentence->output) != 0) {
                printf("%s, in pieces of %zu:\n%s---\n", sentence->says, piece, output);
                wrong++;
            }
            free(output);
        }
    }
    assert_int_equal(wrong, 0);
}

static void test_the_reference_agrees_with_every_sentence(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof sentences / sizeof *sentences; i++) {
        size_t size;
        char *output = reference_run(sentences[i].input, strlen(sentences[i].input),
                                     REFERENCE_IS_RIGHT, &size);
        if (strcmp(output, sentences[i].output) != 0)
            fail_msg("%s: %s", sentences[i].says, output);
        free(output);
    }
}

/* --- what is not text --- */

static bool refuse(void *ctx, const char *bytes, size_t size)
{
    (void)ctx;
    (void)bytes;
    (void)size;
    return false;
}

static void test_a_sink_that_wants_no_more_ends_the_session(void **state)
{
    struct vma_session *session = vma_session_open(refuse, NULL);

    (void)state;
    for (int i = 0; i < 10000 && vma_session_feed(session, "FOO\n", 4); i++)
        ;
    assert_int_equal(vma_session_state(session), VMA_SESSION_UNHEARD);
    vma_session_close(session);
}

static void test_content_takes_memory_where_it_was_written_alone(void **state)
{
    struct vma_arena *arena = vma_open((uint64_t)1 << 63);
    struct vma_totals totals;

    (void)state;
    assert_int_equal(vma_alloc(arena, 0, (uint64_t)1 << 62), VMA_OK);
    assert_int_equal(vma_alloc(arena, (uint64_t)1 << 62, 10), VMA_OK);
    vma_totals(arena, &totals);
    assert_int_equal(totals.content_bytes, 0);
    assert_int_equal(vma_write(arena, ((uint64_t)1 << 62) - 1, "ab", 2), VMA_OK);
    vma_totals(arena, &totals);
    assert_true(totals.content_bytes <= 10 + 4096 + 1024 + 64);
    size_t bytes = totals.content_bytes;
    assert_int_equal(vma_write(arena, ((uint64_t)1 << 62) - 2, "xy", 2), VMA_OK);
    vma_totals(arena, &totals);
    assert_int_equal(totals.content_bytes, bytes);
    assert_int_equal(vma_free(arena, 0), VMA_OK);
    assert_int_equal(vma_free(arena, (uint64_t)1 << 62), VMA_OK);
    vma_totals(arena, &totals);
    assert_int_equal(totals.content_bytes, 0);
    assert_int_equal(totals.blocks, 0);
    vma_close(arena);
}

static void test_pinned_content_is_what_was_written(void **state)
{
    struct vma_arena *arena = vma_open(1 << 20);

    (void)state;
    assert_int_equal(vma_alloc(arena, 5, 100000), VMA_OK);
    assert_int_equal(vma_write(arena, 8190, "across", 6), VMA_OK);
    unsigned char *bytes = vma_pin(arena, 5);
    assert_non_null(bytes);
    assert_memory_equal(bytes + 8185, "across", 6);
    assert_int_equal(vma_write(arena, 8191, "X", 1), VMA_OK);
    assert_ptr_equal(vma_pin(arena, 5), bytes);
    assert_memory_equal(bytes + 8185, "aXross", 6);
    assert_null(vma_pin(arena, 6));
    vma_close(arena);
}

static void test_what_there_is_is_told_from_any_address(void **state)
{
    struct vma_arena *arena = vma_open(1000);
    struct vma_miniblock mini;
    struct vma_block block;

    (void)state;
    assert_int_equal(vma_alloc(arena, 0, 10), VMA_OK);
    assert_int_equal(vma_alloc(arena, 10, 10), VMA_OK);
    assert_int_equal(vma_alloc(arena, 30, 10), VMA_OK);
    assert_int_equal(vma_protect(arena, 10, VMA_EXEC), VMA_OK);
    assert_true(vma_next_miniblock(arena, 0, &mini) && mini.start == 0 && mini.end == 10);
    assert_true(vma_next_miniblock(arena, 1, &mini) && mini.start == 10);
    assert_int_equal(mini.permission, VMA_EXEC);
    assert_true(vma_next_miniblock(arena, 15, &mini) && mini.start == 30);
    assert_false(vma_next_miniblock(arena, 31, &mini));
    assert_true(vma_next_block(arena, 0, &block) && block.start == 0 && block.end == 20);
    assert_int_equal(block.miniblocks, 2);
    assert_true(vma_next_block(arena, 1, &block) && block.start == 30 && block.end == 40);
    assert_int_equal(block.miniblocks, 1);
    assert_false(vma_next_block(arena, 31, &block));
    assert_null(vma_damage(arena));
    vma_close(arena);
}

static void test_all_permissions_that_are_asked_for_are_needed(void **state)
{
    struct vma_arena *arena = vma_open(1000);
    uint64_t count, granted;

    (void)state;
    assert_int_equal(vma_alloc(arena, 0, 10), VMA_OK);
    assert_int_equal(vma_alloc(arena, 10, 10), VMA_OK);
    assert_int_equal(vma_protect(arena, 10, VMA_READ), VMA_OK);
    assert_int_equal(vma_span(arena, 5, 10, VMA_READ, &count, &granted), VMA_OK);
    assert_true(count == 10 && granted == 10);
    assert_int_equal(vma_span(arena, 5, 90, VMA_READ | VMA_WRITE, &count, &granted), VMA_DENIED);
    assert_true(count == 15 && granted == 5);
    vma_close(arena);
}

static bool ignore(void *ctx, const char *bytes, size_t size)
{
    (void)bytes;
    *(size_t *)ctx += size;
    return true;
}

static void test_what_came_of_a_payload_is_written(void **state)
{
    static const char input[] = PAIR "MPROTECT 150 PROT_READ\nWRITE 147 50 abc";
    size_t said = 0;
    struct vma_session *session = vma_session_open(ignore, &said);
    struct vma_piece piece;

    (void)state;
    assert_true(vma_session_feed(session, input, sizeof input - 1));
    vma_session_end(session);
    assert_int_equal(said, 0);
    assert_true(vma_next_piece(vma_session_arena(session), 147, 150, &piece));
    assert_int_equal(piece.size, 3);
    assert_memory_equal(piece.bytes, "abc", 3);
    vma_session_close(session);
}

static void test_the_lowest_gap_is_found(void **state)
{
    struct vma_arena *arena = vma_open(1000);
    uint64_t address;

    (void)state;
    assert_int_equal(vma_alloc(arena, 10, 10), VMA_OK);
    assert_int_equal(vma_alloc(arena, 35, 10), VMA_OK);
    assert_true(vma_find_gap(arena, 10, 1, &address) && address == 0);
    assert_true(vma_find_gap(arena, 11, 1, &address) && address == 20);
    assert_true(vma_find_gap(arena, 11, 8, &address) && address == 24);
    assert_true(vma_find_gap(arena, 12, 8, &address) && address == 48);
    assert_true(vma_find_gap(arena, 955, 1, &address) && address == 45);
    assert_false(vma_find_gap(arena, 956, 1, &address));
    assert_false(vma_find_gap(arena, 0, 1, &address));
    vma_close(arena);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_every_sentence_to_the_byte),
        cmocka_unit_test(test_the_reference_agrees_with_every_sentence),
        cmocka_unit_test(test_a_sink_that_wants_no_more_ends_the_session),
        cmocka_unit_test(test_content_takes_memory_where_it_was_written_alone),
        cmocka_unit_test(test_pinned_content_is_what_was_written),
        cmocka_unit_test(test_what_there_is_is_told_from_any_address),
        cmocka_unit_test(test_all_permissions_that_are_asked_for_are_needed),
        cmocka_unit_test(test_what_came_of_a_payload_is_written),
        cmocka_unit_test(test_the_lowest_gap_is_found),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
