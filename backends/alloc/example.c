/* example.c - four processes that add up a table which they share, one slice each. */
#include <alloc.h>

#include <stdio.h>
#include <sys/wait.h>
#include <unistd.h>

#define PROCESSES 4
#define NUMBERS 100000

struct table {
    long numbers[NUMBERS];
    long *sums[PROCESSES]; /* each a block of the child that made it */
};

static int add_slice(struct table *table, int slice)
{
    long *sum = allocate_clear_memory(1, sizeof *sum);

    if (!sum)
        return 1;
    for (int i = slice; i < NUMBERS; i += PROCESSES)
        *sum += table->numbers[i];
    table->sums[slice] = sum;
    return 0;
}

int main(void)
{
    struct memory_report report;
    long total = 0;

    init_mutex(); /* before fork(): the children share what comes after */
    struct table *table = allocate_memory(sizeof *table);
    if (!table)
        return 1;
    for (int i = 0; i < NUMBERS; i++)
        table->numbers[i] = i;

    for (int slice = 0; slice < PROCESSES; slice++) {
        if (fork() == 0)
            _exit(add_slice(table, slice));
    }
    int status;
    while (wait(&status) > 0) {
        if (status != 0)
            return 1;
    }
    for (int slice = 0; slice < PROCESSES; slice++) {
        total += *table->sums[slice];
        deallocate_memory(table->sums[slice]); /* by another process than allocated it */
    }
    deallocate_memory(table);

    printf("%ld\n", total);
    if (!check_memory(&report) || report.used_blocks != 0)
        return 1;
    return total == (long)NUMBERS * (NUMBERS - 1) / 2 ? 0 : 1;
}
