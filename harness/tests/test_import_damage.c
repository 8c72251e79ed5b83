/* test_import_damage - files of other tools that are cut short or changed are refused or read, never more. */
#include "assay/import.h"

#include <dirent.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>
#include <zlib.h>

#define SEED 1
#define CHANGES 60 /* of each file */
#define CUTS 40
#define SLOTS 4096 /* more than any file here has */
#define FILE_ROOM ((size_t)1 << 20)

static uint8_t file[FILE_ROOM];
static size_t file_size;

static void read_file(const char *name)
{
    char path[512];
    snprintf(path, sizeof path, "%s/%s", IMPORTS, name);
    FILE *in = fopen(path, "rb");

    assert_non_null(in);
    file_size = fread(file, 1, sizeof file, in);
    assert_in_range(file_size, 1, sizeof file - 1);
    fclose(in);
}

/* Reads data as format; what it gives is a stream that could have been. Returns whether it is whole. */
static bool reads(enum assay_import_format format, const uint8_t *data, size_t size)
{
    static bool is_live[SLOTS];
    const struct assay_import_source source = {"log", data, size, -1};
    struct assay_import *import;
    struct assay_error error;
    const struct assay_op *ops;
    size_t count;

    memset(is_live, 0, sizeof is_live);
    assert_int_equal(assay_import_open(&import, format, &source, &error), ASSAY_OK);
    struct assay_reader *reader = assay_import_reader(import);
    while ((count = reader->next(reader, &ops)) != 0)
        for (size_t i = 0; i < count; i++) {
            assert_true(assay_op_is_valid(&ops[i]));
            assert_in_range(ops[i].slot, 0, SLOTS - 1);
            if (ops[i].kind == ASSAY_OP_FREE) {
                assert_true(is_live[ops[i].slot]);
                is_live[ops[i].slot] = false;
            } else if (ops[i].kind != ASSAY_OP_FREE_NULL) {
                assert_true(ops[i].kind == ASSAY_OP_REALLOC || !is_live[ops[i].slot]);
                is_live[ops[i].slot] = true;
            }
        }
    assert_int_equal(reader->next(reader, &ops), 0);
    bool is_whole = !reader->error.what[0];
    if (!is_whole)
        assert_memory_equal(reader->error.what, "log:", 4);
    assay_import_close(import);
    return is_whole;
}

static uint64_t next_random(uint64_t *state)
{
    *state = *state * 6364136223846793005u + 1442695040888963407u;
    return *state >> 33;
}

static void damage(const char *name)
{
    uint64_t state = SEED;
    enum assay_import_format format;

    read_file(name);
    if (!assay_import_recognise(file, file_size, &format))
        fail_msg("%s is not recognised", name);
    if (!reads(format, file, file_size))
        fail_msg("%s is not whole", name);
    for (size_t i = 0; i < CUTS; i++)
        reads(format, file, file_size * i / CUTS);
    for (size_t i = 0; i < CHANGES; i++) {
        size_t at = next_random(&state) % file_size;
        uint8_t was = file[at];
        file[at] = (uint8_t)next_random(&state);
        reads(format, file, file_size);
        /* As any other format it is as good as noise. */
        reads((enum assay_import_format)(i % ASSAY_IMPORT_FORMATS), file, file_size);
        file[at] = was;
    }
}

static void test_each_recording_survives_being_cut_and_changed(void **unused)
{
    (void)unused;
    DIR *folder = opendir(IMPORTS);
    const struct dirent *entry;
    unsigned files = 0;
    assert_non_null(folder);
    while ((entry = readdir(folder))) {
        if (entry->d_name[0] == '.' || strstr(entry->d_name, ".counts"))
            continue;
        damage(entry->d_name);
        files++;
    }
    closedir(folder);
    assert_true(files >= 12);
}

static void assert_ends(enum assay_import_format format, const uint8_t *data, size_t size,
                        const char *expected)
{
    const struct assay_import_source source = {"log", data, size, -1};
    struct assay_import *import;
    struct assay_error error;
    const struct assay_op *ops;

    assert_int_equal(assay_import_open(&import, format, &source, &error), ASSAY_OK);
    struct assay_reader *reader = assay_import_reader(import);
    while (reader->next(reader, &ops))
        continue;
    if (!strstr(reader->error.what, expected))
        fail_msg("'%s' is not in '%s'", expected, reader->error.what);
    assay_import_close(import);
}

static void test_what_is_packed_and_cut_short_or_damaged_says_so(void **unused)
{
    (void)unused;
    read_file("subject.heaptrack-raw.gz");
    assert_ends(ASSAY_IMPORT_HEAPTRACK, file, file_size / 2, "what gzip packed is cut short here");
    file[file_size - 6] ^= 0x55; /* of the checksum */
    assert_ends(ASSAY_IMPORT_HEAPTRACK, file, file_size, "what gzip packed is damaged here");
    read_file("subject.heaptrack-raw.zst");
    assert_ends(ASSAY_IMPORT_HEAPTRACK, file, file_size / 2, "what zstd packed is cut short here");
    file[5] ^= 0x55;
    assert_ends(ASSAY_IMPORT_HEAPTRACK, file, file_size, "what zstd packed is damaged here");
}

static void test_a_line_without_end_is_refused_and_so_is_a_zero_byte(void **unused)
{
    (void)unused;
    memcpy(file, "1: free 0x0\n", 12);
    memset(file + 12, 'x', FILE_ROOM - 12);
    assert_ends(ASSAY_IMPORT_ANDROID, file, FILE_ROOM, "log:2: the line is longer than 256 KiB");
    memcpy(file + 12, "1: free\0 0x0\n", 13);
    assert_ends(ASSAY_IMPORT_ANDROID, file, 25, "log:2: a zero byte: this is not a text");
}

/* A thousand times what is packed, at the price of what is packed. */
static void test_a_small_file_that_unpacks_to_a_large_one_is_read_piece_by_piece(void **unused)
{
    (void)unused;
    z_stream gzip = {0};
    size_t blanks = (size_t)8 << 20;
    uint8_t *text = malloc(blanks);
    assert_non_null(text);
    memset(text, '\n', blanks);
    assert_int_equal(deflateInit2(&gzip, 9, Z_DEFLATED, 15 + 16, 8, Z_DEFAULT_STRATEGY), Z_OK);
    gzip.next_in = text;
    gzip.avail_in = (uInt)blanks;
    gzip.next_out = file;
    gzip.avail_out = FILE_ROOM;
    assert_int_equal(deflate(&gzip, Z_FINISH), Z_STREAM_END);
    size_t size = gzip.total_out;
    deflateEnd(&gzip);
    free(text);
    assert_true(reads(ASSAY_IMPORT_ANDROID, file, size));
    /* Two members, one after the other, are one text. */
    memcpy(file + size, file, size);
    assert_true(reads(ASSAY_IMPORT_ANDROID, file, 2 * size));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_each_recording_survives_being_cut_and_changed),
        cmocka_unit_test(test_what_is_packed_and_cut_short_or_damaged_says_so),
        cmocka_unit_test(test_a_line_without_end_is_refused_and_so_is_a_zero_byte),
        cmocka_unit_test(test_a_small_file_that_unpacks_to_a_large_one_is_read_piece_by_piece),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
