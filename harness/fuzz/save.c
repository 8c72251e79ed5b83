/* save.c - keeps the stream of a finding as a text. */
#include "fuzz.h"

#include "assay/text.h"

#include <errno.h>
#include <sys/stat.h>

bool fuzz_save(const char *path, const struct assay_stream *stream)
{
    if (mkdir(FUZZ_FINDINGS, 0777) != 0 && errno != EEXIST)
        return false;
    FILE *out = fopen(path, "w");
    if (!out)
        return false;
    bool good = assay_text_write_setup(out, &stream->setup);
    for (size_t i = 0; good && i < stream->count; i++)
        good = assay_text_write_op(out, &stream->ops[i]);
    return fclose(out) == 0 && good;
}
