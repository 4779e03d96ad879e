#include "load.h"

#include "clock.h"

#include <stdio.h>

#define NS_PER_US 1000.0

static double per_second(uint64_t count, uint64_t time_ns)
{
    return time_ns == 0 ? 0.0 : (double)count * CLOCK_NS_PER_SECOND / (double)time_ns;
}

static void print_latency(const struct latency *latency)
{
    static const struct {
        const char *name;
        double percent;
    } SHOWN[] = {{"p50_us", 50}, {"p90_us", 90}, {"p99_us", 99}, {"p999_us", 99.9}};

    if (latency->count == 0) {
        printf("\"p50_us\":null,\"p90_us\":null,\"p99_us\":null,\"p999_us\":null,\"max_us\":null,\"mean_us\":"
               "null,");
        return;
    }
    for (size_t i = 0; i < sizeof SHOWN / sizeof SHOWN[0]; i++)
        printf("\"%s\":%.3f,", SHOWN[i].name,
               (double)latency_percentile_ns(latency, SHOWN[i].percent) / NS_PER_US);
    printf("\"max_us\":%.3f,\"mean_us\":%.3f,", (double)latency->max_ns / NS_PER_US,
           (double)latency->sum_ns / (double)latency->count / NS_PER_US);
}

static void print_fairness(const struct load *load, uint64_t unit)
{
    uint64_t least = UINT64_MAX, most = 0;

    for (uint32_t i = 0; i < load->options.connections; i++) {
        uint64_t operations = load->connections[i].counted / unit;
        least = operations < least ? operations : least;
        most = operations > most ? operations : most;
    }
    printf("\"operations_min\":%llu,\"operations_max\":%llu,", (unsigned long long)least,
           (unsigned long long)most);
}

void load_report(const struct load *load)
{
    uint64_t unit = load->mode->counts_bytes ? load->options.bytes : 1;
    uint64_t operations = load->counted / unit;

    printf("{\"mode\":\"%s\",\"connections\":%u,\"bytes\":%u,\"seconds\":%.6f,", load->mode->name,
           load->options.connections, load->options.bytes, (double)load->measured_ns / CLOCK_NS_PER_SECOND);
    printf("\"operations\":%llu,\"operations_per_second\":%.3f,\"bytes_verified\":%llu,",
           (unsigned long long)operations, per_second(operations, load->measured_ns),
           (unsigned long long)load->bytes_verified);
    printf("\"megabytes_per_second\":%.3f,", per_second(load->bytes_measured, load->measured_ns) / 1e6);
    print_latency(&load->latency);
    print_fairness(load, unit);
    printf("\"failures\":%llu,\"cpu_seconds\":%.6f}\n", (unsigned long long)load->failures,
           (double)load->processor_ns / CLOCK_NS_PER_SECOND);
}
