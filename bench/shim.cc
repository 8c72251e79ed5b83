/* shim.cc - Google Benchmark behind a C interface: the only C++ of the project. */
#include "shim.h"

#include <benchmark/benchmark.h>

#include <map>
#include <string>
#include <vector>

namespace
{

struct entry {
    benchmark::internal::Benchmark *benchmark;
    shim_seen *seen;
    void *arg;
    uint64_t iterations;
};

std::map<std::string, entry> entries;

/* Passes on what was measured, prints nothing. */
class Listener : public benchmark::BenchmarkReporter
{
  public:
    bool ReportContext(const Context &) override
    {
        return true;
    }

    void ReportRuns(const std::vector<Run> &runs) override
    {
        for (const Run &run : runs) {
            auto found = entries.find(run.run_name.function_name);
            if (run.run_type != Run::RT_Iteration || run.error_occurred || found == entries.end())
                continue;
            double iterations = static_cast<double>(run.iterations);
            found->second.seen(found->second.arg, run.cpu_accumulated_time * 1e9 / iterations,
                               static_cast<uint64_t>(run.iterations));
        }
    }
};

void initialize()
{
    std::string words[] = {"bench", "--benchmark_enable_random_interleaving=true"};
    char *argv[] = {&words[0][0], &words[1][0], nullptr};
    int argc = 2;

    benchmark::Initialize(&argc, argv);
}

} // namespace

void shim_add(const char *name, shim_body *body, shim_seen *seen, void *arg, uint64_t iterations)
{
    auto call = [body, arg](benchmark::State &state) {
        body(arg, reinterpret_cast<shim_state *>(&state));
    };

    entries[name] = entry{benchmark::RegisterBenchmark(name, call), seen, arg, iterations};
}

void shim_run(double min_time_s)
{
    Listener listener;

    initialize();
    for (auto &named : entries) {
        uint64_t iterations = named.second.iterations;
        if (iterations == 0 && min_time_s > 0)
            named.second.benchmark->MinTime(min_time_s);
        else
            named.second.benchmark->Iterations(iterations ? static_cast<long>(iterations) : 1);
    }
    benchmark::RunSpecifiedBenchmarks(&listener);
    benchmark::ClearRegisteredBenchmarks();
    entries.clear();
}

bool shim_next(struct shim_state *state)
{
    return reinterpret_cast<benchmark::State *>(state)->KeepRunning();
}

void shim_pause(struct shim_state *state)
{
    reinterpret_cast<benchmark::State *>(state)->PauseTiming();
}

void shim_resume(struct shim_state *state)
{
    reinterpret_cast<benchmark::State *>(state)->ResumeTiming();
}
