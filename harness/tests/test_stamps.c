/*
 * test_stamps - what it takes to know how long each operation took.
 *
 * A child is traced instruction by instruction, and those that read the processor's counter are counted, so the number of
 * readings is exact, whatever the machine does meanwhile. (Linux can also have them trap, but not under all hypervisors.)
 */
#include "assay/bare.h"
#include "assay/guard.h"
#include "assay/os_pages.h"
#include "assay/registry.h"
#include "assay/ticks.h"

#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <sys/ptrace.h>
#include <sys/user.h>
#include <sys/wait.h>
#include <unistd.h>
#include <cmocka.h>

#if defined(__x86_64__) && defined(__linux__)

#define OPS 64

/* What child and parent both see. */
struct watched {
    volatile bool is_on; /* readings count */
    bool is_good;
    uint64_t stamps[OPS];
};

/* RDTSC is 0f 31, RDTSCP 0f 01 f9. The child's code lies where ours does. */
static bool is_reading(uint64_t at)
{
    const unsigned char *code = (const unsigned char *)(uintptr_t)at;

    return code[0] == 0x0f && (code[1] == 0x31 || (code[1] == 0x01 && code[2] == 0xf9));
}

/* Readings while work(watched) runs in a child with watched->is_on. */
static unsigned count_readings(void (*work)(struct watched *watched), struct watched *watched)
{
    unsigned readings = 0;
    int status = 0;
    pid_t child = fork();

    if (child == 0) {
        if (ptrace(PTRACE_TRACEME, 0, NULL, NULL) == 0)
            work(watched);
        _exit(0);
    }
    assert_true(child > 0);
    while (waitpid(child, &status, 0) == child && WIFSTOPPED(status)) {
        int number =
            WSTOPSIG(status) == SIGTRAP || WSTOPSIG(status) == SIGSTOP ? 0 : WSTOPSIG(status);
        long at = ptrace(PTRACE_PEEKUSER, child, offsetof(struct user_regs_struct, rip), NULL);
        readings += watched->is_on && is_reading((uint64_t)at);
        assert_int_equal(
            ptrace(watched->is_on ? PTRACE_SINGLESTEP : PTRACE_CONT, child, NULL, number), 0);
    }
    assert_true(WIFEXITED(status));
    return readings;
}

/* The parent looks at every instruction from here on, until is_on is false. */
static void begin(struct watched *watched)
{
    watched->is_on = true;
    raise(SIGSTOP);
}

static void read_twice(struct watched *watched)
{
    begin(watched);
    watched->stamps[0] = assay_ticks();
    watched->stamps[1] = assay_ticks();
    watched->is_on = false;
    watched->is_good = watched->stamps[0] < watched->stamps[1];
}

static void stamp(struct watched *watched)
{
    const struct assay_backend *backend = NULL;
    struct assay_bare *bare = assay_bare_open();
    struct assay_bare_result result = {0};
    struct assay_op ops[OPS];
    struct assay_heap heap;

    for (uint32_t i = 0; i < OPS; i++)
        ops[i] = i % 2
                     ? (struct assay_op){.kind = ASSAY_OP_FREE, .slot = i / 2 % 7}
                     : (struct assay_op){.kind = ASSAY_OP_ALLOC, .slot = i / 2 % 7, .size = i + 1};
    if (!bare || assay_registry_find("list", &backend, NULL) != ASSAY_OK ||
        assay_heap_open(&heap, backend, assay_os_pages(), (size_t)1 << 20, 0, NULL) != ASSAY_OK)
        return;
    begin(watched);
    assay_bare_stamp(bare, &heap, ops, OPS, watched->stamps, &result);
    watched->is_on = false;
    watched->is_good = true;
}

static void expect_readings(void (*work)(struct watched *watched), unsigned wanted)
{
    struct watched *watched = assay_guard_shared(sizeof *watched);

    assert_non_null(watched);
    unsigned seen = count_readings(work, watched);
    assert_true(watched->is_good);
    assert_int_equal(seen, wanted);
    for (unsigned i = 1; i < wanted; i++) /* each is of its own operation */
        assert_true(watched->stamps[i - 1] < watched->stamps[i]);
    assay_guard_unshare(watched, sizeof *watched);
}

static void test_a_reading_is_seen(void **state)
{
    (void)state;
    expect_readings(read_twice, 2);
}

static void test_one_reading_of_the_timer_for_each_operation(void **state)
{
    (void)state;
    expect_readings(stamp, OPS);
}

#else

static void test_a_reading_is_seen(void **state)
{
    (void)state;
    skip(); /* no way to see one */
}

static void test_one_reading_of_the_timer_for_each_operation(void **state)
{
    (void)state;
    skip();
}

#endif

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_reading_is_seen),
        cmocka_unit_test(test_one_reading_of_the_timer_for_each_operation),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
