/* sanitizer_options.c - defaults of the sanitizers for programs that ask for absurd sizes on purpose. */

const char *__asan_default_options(void);
const char *__tsan_default_options(void);
const char *__lsan_default_options(void);
const char *__msan_default_options(void);

const char *__asan_default_options(void)
{
    return "allocator_may_return_null=1";
}

const char *__tsan_default_options(void)
{
    return "allocator_may_return_null=1";
}

const char *__msan_default_options(void)
{
    return "allocator_may_return_null=1";
}

const char *__lsan_default_options(void)
{
    return "";
}
