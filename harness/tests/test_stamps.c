/*
 * test_stamps - what it takes to know how long each operation took.
 *
 * Linux can have the processor trap where a program reads its counter. Each trap is counted here and answered, so the
 * number of readings is exact, whatever the machine does meanwhile.
 */
#include "assay/bare.h"
#include "assay/os_pages.h"
#include "assay/registry.h"
#include "assay/ticks.h"

#include <signal.h>
#include <stdarg.h>
#include <setjmp.h>
#include <stdint.h>
#include <string.h>
#include <sys/prctl.h>
#include <ucontext.h>
#include <cmocka.h>

#if defined(__x86_64__) && defined(PR_SET_TSC)

#define OPS 1000

static volatile sig_atomic_t readings;

/* RDTSC is 0f 31. What else ends here is a fault that is not ours: without a handler it comes again and ends us. */
static void answer(int number, siginfo_t *info, void *context)
{
    greg_t *registers = ((ucontext_t *)context)->uc_mcontext.gregs;
    const unsigned char *code = (const unsigned char *)(uintptr_t)registers[REG_RIP];

    (void)info;
    if (code[0] != 0x0f || code[1] != 0x31) {
        signal(number, SIG_DFL);
        return;
    }
    registers[REG_RAX] = ++readings;
    registers[REG_RDX] = 0;
    registers[REG_RIP] += 2;
}

static void trap_readings(bool trap)
{
    struct sigaction action = {.sa_sigaction = answer, .sa_flags = SA_SIGINFO};

    assert_int_equal(sigaction(SIGSEGV, &action, NULL), 0);
    assert_int_equal(prctl(PR_SET_TSC, trap ? PR_TSC_SIGSEGV : PR_TSC_ENABLE), 0);
    readings = 0;
}

static void test_a_reading_is_seen(void **state)
{
    (void)state;
    trap_readings(true);
    uint64_t first = assay_ticks(), second = assay_ticks();
    int seen = readings;
    trap_readings(false);
    assert_int_equal(seen, 2);
    assert_int_equal(first, 1);
    assert_int_equal(second, 2);
}

static void test_one_reading_of_the_timer_for_each_operation(void **state)
{
    const struct assay_backend *backend = NULL;
    struct assay_bare *bare = assay_bare_open();
    struct assay_bare_result result = {0};
    struct assay_op ops[OPS];
    uint64_t stamps[OPS];
    struct assay_heap heap;

    (void)state;
    for (uint32_t i = 0; i < OPS; i++)
        ops[i] = i % 2
                     ? (struct assay_op){.kind = ASSAY_OP_FREE, .slot = i / 2 % 7}
                     : (struct assay_op){.kind = ASSAY_OP_ALLOC, .slot = i / 2 % 7, .size = i + 1};
    assert_non_null(bare);
    assert_int_equal(assay_registry_find("list", &backend, NULL), ASSAY_OK);
    assert_int_equal(assay_heap_open(&heap, backend, assay_os_pages(), (size_t)1 << 20, 0, NULL),
                     ASSAY_OK);
    trap_readings(true);
    assay_bare_stamp(bare, &heap, ops, OPS, stamps, &result);
    int seen = readings;
    trap_readings(false);
    assert_int_equal(seen, OPS);
    for (uint64_t i = 0; i < OPS; i++)
        assert_int_equal(stamps[i], i + 1); /* each is of its own operation */
    assay_heap_close(&heap, NULL);
    assay_bare_close(bare);
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
