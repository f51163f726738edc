#include "measuring/operator_times.hpp"

#include <algorithm>
#include <cmath>
#include <map>
#include <numeric>
#include <optional>
#include <tuple>
#include <utility>
#include <vector>

namespace edgerank {
namespace {

constexpr std::int64_t ns_per_us = 1'000;
const std::string kernel_suffix = "_kernel_time";

struct Span {
    std::int64_t begin_us, duration_us;
    std::int64_t end_us() const { return begin_us + duration_us; }
};

// One run of one node; `own_us` is without those of the nodes inside it.
struct Node {
    std::string name, operation, execution_provider, index;
    std::vector<std::string> output_shapes;
    std::pair<std::int64_t, std::int64_t> thread;
    Span span;
    std::int64_t own_us;
};

// Every run of one node, an inference after the other.
struct Layer {
    const Node* last;
    std::int64_t call_count = 0;
    Samples us_by_run;
};

bool is_kernel(const Json& event) {
    const std::string name = event.at("name").get<std::string>();
    return event.value("cat", Json()) == "Node" && name.size() >= kernel_suffix.size() &&
           name.compare(name.size() - kernel_suffix.size(), std::string::npos, kernel_suffix) == 0;
}

Span span_of(const Json& event) {
    const Json &begin = event.at("ts"), &duration = event.at("dur");
    if (!begin.is_number_integer() || !duration.is_number_integer() || duration.get<std::int64_t>() < 0)
        throw TraceUnreadable("an event lasts " + duration.dump() + " from " + begin.dump() + " on");
    return {begin.get<std::int64_t>(), duration.get<std::int64_t>()};
}

std::string text_of(const Json& told) { return told.is_string() ? told.get<std::string>() : told.dump(); }

// Of [{"float": [1, 64, 56, 56]}] "1x64x56x56" for each; a scalar has an empty one.
std::vector<std::string> shapes_of(const Json& args) {
    std::vector<std::string> shapes;
    for (const Json& output : args.value("output_type_shape", Json::array()))
        for (const auto& [type, sizes] : output.items()) {
            std::string shape;
            for (const Json& size : sizes) shape += (shape.empty() ? "" : "x") + std::to_string(size.get<std::int64_t>());
            shapes.push_back(shape);
        }
    return shapes;
}

Node node_of(const Json& event) {
    const Json& args = event.at("args");
    std::string name = event.at("name").get<std::string>();
    name.resize(name.size() - kernel_suffix.size());
    Span span = span_of(event);
    return {name,
            text_of(args.at("op_name")),
            text_of(args.value("provider", Json(""))),
            text_of(args.value("node_index", Json(""))),
            shapes_of(args),
            {event.at("pid").get<std::int64_t>(), event.at("tid").get<std::int64_t>()},
            span,
            span.duration_us};
}

void leave_out_what_runs_inside(std::vector<Node>& nodes) {
    auto order = [](const Node& node) {
        return std::make_tuple(node.thread, node.span.begin_us, -node.span.duration_us);
    };
    std::stable_sort(nodes.begin(), nodes.end(),
                     [&](const Node& one, const Node& other) { return order(one) < order(other); });
    std::vector<Node*> around;
    for (Node& node : nodes) {
        auto holds = [&](const Node& outer) {
            return outer.thread == node.thread && node.span.end_us() <= outer.span.end_us();
        };
        while (!around.empty() && !holds(*around.back())) around.pop_back();
        if (!around.empty())
            around.back()->own_us = std::max<std::int64_t>(0, around.back()->own_us - node.span.duration_us);
        around.push_back(&node);
    }
    std::stable_sort(nodes.begin(), nodes.end(), [](const Node& one, const Node& other) {
        return one.span.begin_us < other.span.begin_us;
    });
}

// Which of the inferences a node ran in; nothing for one of the warm-up.
std::optional<std::size_t> ordinal_of(const Node& node, const std::vector<Span>& runs) {
    auto next = std::upper_bound(runs.begin(), runs.end(), node.span.begin_us,
                                 [](std::int64_t begin_us, const Span& run) { return begin_us < run.begin_us; });
    if (next == runs.begin() || node.span.begin_us > (next - 1)->end_us()) return std::nullopt;
    return static_cast<std::size_t>(next - 1 - runs.begin());
}

// Halves to the even number, as Python rounds.
std::int64_t median_of(Samples numbers, std::int64_t unit) {
    std::sort(numbers.begin(), numbers.end());
    std::size_t middle = numbers.size() / 2;
    if (numbers.size() % 2 == 1) return numbers[middle] * unit;
    return std::llrint(static_cast<double>(numbers[middle - 1] + numbers[middle]) / 2 * static_cast<double>(unit));
}

std::int64_t sum_of(const Samples& numbers) { return std::accumulate(numbers.begin(), numbers.end(), std::int64_t{0}); }

Json layers_of(const std::vector<Node>& nodes, const std::vector<Span>& runs) {
    std::vector<Layer> layers;
    // Several nodes may have one name, and nodes of a loop's body the number of others.
    std::map<std::tuple<std::string, std::string, std::string>, std::size_t> places;
    for (const Node& node : nodes) {
        std::optional<std::size_t> ordinal = ordinal_of(node, runs);
        if (!ordinal) continue;
        auto [place, is_new] = places.try_emplace({node.name, node.operation, node.index}, layers.size());
        // An inference that does not come by this layer spends nothing on it.
        if (is_new) layers.push_back({&node, 0, Samples(runs.size(), 0)});
        Layer& layer = layers[place->second];
        layer.last = &node;
        ++layer.call_count;
        layer.us_by_run[*ordinal] += node.own_us;
    }
    Json told = Json::array();
    for (const Layer& layer : layers)
        told.push_back({{"name", layer.last->name},
                        {"operator", layer.last->operation},
                        {"execution_provider", layer.last->execution_provider},
                        {"call_count", layer.call_count},
                        {"total_ns", sum_of(layer.us_by_run) * ns_per_us},
                        {"median_ns", median_of(layer.us_by_run, ns_per_us)},
                        {"output_shapes", layer.last->output_shapes}});
    return told;
}

std::vector<Span> last_runs(const Json& events, std::size_t run_count) {
    std::vector<Span> runs;
    for (const Json& event : events)
        if (event.at("name") == "model_run") runs.push_back(span_of(event));
    if (runs.size() < run_count)
        throw TraceUnreadable("it has " + std::to_string(runs.size()) + " inferences of " + std::to_string(run_count));
    std::sort(runs.begin(), runs.end(), [](const Span& one, const Span& other) {
        return std::tie(one.begin_us, one.duration_us) < std::tie(other.begin_us, other.duration_us);
    });
    runs.erase(runs.begin(), runs.end() - static_cast<std::ptrdiff_t>(run_count));
    return runs;
}

Json read(const Json& events, std::size_t run_count, Samples unprofiled_run_ns) {
    if (!events.is_array()) throw TraceUnreadable("it is no list of events");
    std::vector<Span> runs = last_runs(events, run_count);
    std::vector<Node> nodes;
    for (const Json& event : events)
        if (is_kernel(event)) nodes.push_back(node_of(event));
    leave_out_what_runs_inside(nodes);
    Samples durations_us;
    for (const Span& run : runs) durations_us.push_back(run.duration_us);
    return {{"run_count", run_count},
            {"total_ns", sum_of(durations_us) * ns_per_us},
            {"run_median_ns", median_of(durations_us, ns_per_us)},
            {"unprofiled_run_median_ns", median_of(std::move(unprofiled_run_ns), 1)},
            {"layers", layers_of(nodes, runs)}};
}

}  // namespace

Json operator_times(const std::string& trace, std::size_t run_count, Samples unprofiled_run_ns) {
    try {
        return read(Json::parse(trace), run_count, std::move(unprofiled_run_ns));
    } catch (const Json::exception& error) {
        throw TraceUnreadable(std::string("the profiler's trace makes no sense: ") + error.what());
    } catch (const TraceUnreadable& error) {
        throw TraceUnreadable(std::string("the profiler's trace makes no sense: ") + error.what());
    }
}

Json uses_by_provider(const Json& times) {
    Json uses = Json::array();
    for (const Json& layer : times.at("layers")) {
        auto same = std::find_if(uses.begin(), uses.end(), [&](const Json& use) {
            return use.at("provider") == layer.at("execution_provider");
        });
        if (same == uses.end()) {
            uses.push_back({{"provider", layer.at("execution_provider")}, {"node_count", 0}, {"total_ns", 0}});
            same = uses.end() - 1;
        }
        (*same)["node_count"] = same->at("node_count").get<std::int64_t>() + 1;
        (*same)["total_ns"] = same->at("total_ns").get<std::int64_t>() + layer.at("total_ns").get<std::int64_t>();
    }
    std::stable_sort(uses.begin(), uses.end(), [](const Json& one, const Json& other) {
        return one.at("total_ns").get<std::int64_t>() > other.at("total_ns").get<std::int64_t>();
    });
    return uses;
}

}  // namespace edgerank
