// test_subject_new - allocates by each form of C++ new, and counts it.
#include "test_counts.h"

#include <cstdlib>
#include <fcntl.h>
#include <new>
#include <sys/mman.h>
#include <unistd.h>

struct block {
    char bytes[TEST_SIZE_LEAST];
};

struct alignas(64) aligned_block {
    char bytes[TEST_SIZE_LEAST / 64 * 64 + 64];
};

// Storage that a compiler cannot see through: it may leave out a new whose block nobody sees.
static void *volatile seen;

int main()
{
    int file = open(getenv(TEST_ENV_COUNTS), O_RDWR | O_CLOEXEC);
    void *memory = mmap(nullptr, TEST_PROCESSES * sizeof(test_counts), PROT_READ | PROT_WRITE,
                        MAP_SHARED, file, 0);
    if (file < 0 || memory == MAP_FAILED)
        return 99;
    test_counts *counts = static_cast<test_counts *>(memory);
    for (int i = 0; i < 1000; i++) {
        block *one = new block;
        seen = one;
        block *quiet = new (std::nothrow) block;
        seen = quiet;
        char *many = new char[TEST_SIZE_LEAST + 5];
        seen = many;
        aligned_block *aligned = new aligned_block;
        seen = aligned;
        counts->alloc += 3;
        counts->aligned++;
        delete one;
        delete quiet;
        delete[] many;
        delete aligned;
        counts->free += 4;
    }
    return 0;
}
