// A C face of what libtorch does on CUDA and tch does not hand on: streams, events, page-locked
// memory, copies that nobody waits for, switches of arithmetic, and CUDA graphs.
//
// All but graphs goes through interfaces of libtorch that are the same for every kind of device:
// they need no headers of CUDA, and fail with a message where libtorch has none. Graphs are compiled
// where OMNISHOT_CUDA is defined. Nothing of the CUDA runtime is called by name, so it is not linked.
// Rust's side is in face.rs; told.hpp says what is returned.

#include "told.hpp"

#include <ATen/Context.h>
#include <ATen/core/Tensor.h>
#include <ATen/core/grad_mode.h>
#include <ATen/ops/empty.h>
#include <ATen/ops/from_blob.h>
#include <ATen/ops/zeros.h>
#include <c10/core/Event.h>
#include <c10/core/Stream.h>
#include <c10/core/StreamGuard.h>
#include <c10/core/impl/VirtualGuardImpl.h>
#ifdef OMNISHOT_CUDA
#include <ATen/core/CachingHostAllocator.h>
#include <ATen/cuda/CUDAGraph.h>
#include <c10/cuda/CUDACachingAllocator.h>
#endif

#include <cstddef>
#include <cstdint>
#include <memory>
#include <utility>

extern "C" {

// A stream of a GPU, or one that was current on a GPU before another.
struct omnishot_stream {
  int64_t id; // libtorch's, not CUDA's
  int32_t device;
};

// What to go back to: the stream that was current on the entered stream's device, and the device
// that was current.
struct omnishot_before {
  omnishot_stream stream;
  int32_t device;
};
}

namespace {

using omnishot::told;
using c10::impl::VirtualGuardImpl;

c10::Device gpu(int32_t number) {
  at::globalContext().lazyInitDevice(at::kCUDA);
  const int32_t count = VirtualGuardImpl(at::kCUDA).deviceCount();
  TORCH_CHECK(number >= 0 && number < count, "there is no GPU ", number, ": of ", count, ", the first is 0");
  return c10::Device(at::kCUDA, static_cast<c10::DeviceIndex>(number));
}

// Only of what `packed` gave: nothing is looked up.
c10::Stream unpacked(omnishot_stream stream) {
  const c10::Device device(at::kCUDA, static_cast<c10::DeviceIndex>(stream.device));
  return c10::Stream(c10::Stream::UNSAFE, device, stream.id);
}

omnishot_stream packed(const c10::Stream& stream) { return {stream.id(), stream.device_index()}; }

} // namespace

extern "C" {

char* omnishot_stream_new(int32_t device, omnishot_stream* made) {
  return told([&] { *made = packed(VirtualGuardImpl(at::kCUDA).getStreamFromGlobalPool(gpu(device))); });
}

// The stream that the calling thread's work on a GPU goes to.
char* omnishot_stream_current(int32_t device, omnishot_stream* current) {
  return told([&] { *current = packed(VirtualGuardImpl(at::kCUDA).getStream(gpu(device))); });
}

char* omnishot_stream_synchronize(omnishot_stream stream) {
  return told([&] { VirtualGuardImpl(at::kCUDA).synchronizeStream(unpacked(stream)); });
}

// Makes a stream, and its GPU, the calling thread's current ones.
char* omnishot_stream_enter(omnishot_stream stream, omnishot_before* before) {
  return told([&] {
    const VirtualGuardImpl guard(at::kCUDA);
    const auto entered = unpacked(stream);
    const auto device = guard.exchangeDevice(entered.device());
    try {
      before->stream = packed(guard.exchangeStream(entered));
    } catch (...) {
      guard.uncheckedSetDevice(device);
      throw;
    }
    before->device = device.index();
  });
}

char* omnishot_stream_leave(omnishot_before before) {
  return told([&] {
    const VirtualGuardImpl guard(at::kCUDA);
    guard.exchangeStream(unpacked(before.stream));
    guard.setDevice(c10::Device(at::kCUDA, static_cast<c10::DeviceIndex>(before.device)));
  });
}

char* omnishot_event_new(c10::Event** made) {
  return told([&] {
    at::globalContext().lazyInitDevice(at::kCUDA);
    *made = new c10::Event(at::kCUDA, c10::EventFlag::PYTORCH_DEFAULT); // without timing
  });
}

void omnishot_event_drop(c10::Event* event) { delete event; } // does not throw

char* omnishot_event_record(c10::Event* event, omnishot_stream stream) {
  return told([&] { event->record(unpacked(stream)); });
}

// What is given to `stream` later waits for what the event recorded.
char* omnishot_event_block(const c10::Event* event, omnishot_stream stream) {
  return told([&] { event->block(unpacked(stream)); });
}

char* omnishot_event_synchronize(const c10::Event* event) {
  return told([&] { event->synchronize(); });
}

char* omnishot_event_query(const c10::Event* event, bool* done) {
  return told([&] { *done = event->query(); });
}

// `bytes` zeros that the device can read and write itself, as a tensor of bytes.
char* omnishot_page_locked(int64_t bytes, at::Tensor** made) {
  return told([&] {
    at::NoGradGuard guard;
    at::globalContext().lazyInitDevice(at::kCUDA);
    auto tensor = at::empty({bytes}, at::TensorOptions().dtype(at::kByte).pinned_memory(true));
    tensor.zero_();
    *made = new at::Tensor(std::move(tensor));
  });
}

// Copies `count` numbers of kind `kind` (libtorch's) from host memory into `to`: on a GPU, on the
// current stream, and without waiting, so that they must stay until the stream has come past it.
char* omnishot_copy(const at::Tensor* to, const void* from, int64_t count, int32_t kind) {
  return told([&] {
    at::NoGradGuard guard;
    const auto type = static_cast<at::ScalarType>(kind);
    TORCH_CHECK(to->defined() && to->is_contiguous(), "a tensor to copy into has gaps in memory, or another order");
    TORCH_CHECK(
        to->scalar_type() == type && to->numel() == count,
        "a tensor of ", to->numel(), " ", to->scalar_type(), " cannot take ", count, " ", type);
    if (count == 0) return;
    const auto host = at::from_blob(const_cast<void*>(from), {count}, at::TensorOptions().dtype(type));
    to->view({count}).copy_(host, /*non_blocking=*/true);
  });
}

// cuDNN looks for its fastest algorithm by trying them unless it has to be deterministic.
char* omnishot_arithmetic(bool tf32, bool deterministic) {
  return told([&] {
    auto& context = at::globalContext();
    context.setAllowTF32CuBLAS(tf32);
    context.setAllowTF32CuDNN(tf32);
    context.setDeterministicCuDNN(deterministic);
    context.setBenchmarkCuDNN(!deterministic);
    context.setBenchmarkLimitCuDNN(deterministic ? 10 : 0); // 10 is libtorch's own; 0 tries all
  });
}

// What is switched on: TF32 of matrices, TF32 of cuDNN, cuDNN deterministic, cuDNN's search.
char* omnishot_arithmetic_now(bool* switches) {
  return told([&] {
    const auto& context = at::globalContext();
    switches[0] = context.allowTF32CuBLAS();
    switches[1] = context.allowTF32CuDNN();
    switches[2] = context.deterministicCuDNN();
    switches[3] = context.benchmarkCuDNN();
  });
}

} // extern "C"

#ifdef OMNISHOT_CUDA

namespace {

// Other threads may do with CUDA what they like while this one captures: the loader's workers lock
// pages, and batches are uploaded.
constexpr auto MODE = cudaStreamCaptureModeThreadLocal;

struct Graph {
  at::cuda::CUDAGraph graph;
  c10::Stream stream; // of its capture, and of its replays
  c10::MempoolId_t pool; // of its memory

  Graph(c10::Stream on, c10::MempoolId_t from) : stream(on), pool(from) {}
};

// What a capture that broke off leaves behind is put right by one that succeeds: libtorch 2.11's
// generator of random numbers takes itself for captured until then.
void capture_nothing_much(const c10::Stream& stream) {
  auto numbers = at::zeros({1}, at::TensorOptions().dtype(at::kFloat).device(stream.device()));
  at::cuda::CUDAGraph blank;
  blank.capture_begin({0, 0}, MODE);
  numbers.zero_();
  blank.capture_end();
}

// Gives a graph up, during its capture or after. Says nothing: what went wrong before is the news.
void abandon(std::unique_ptr<Graph> graph, bool begun) {
  const auto stream = graph->stream;
  const c10::StreamGuard guard(stream);
  bool ended = false;
  if (begun) {
    free(told([&] {
      graph->graph.capture_end();
      ended = true;
    }));
  }
  if (ended) return; // its destructor gives the memory back
  // Neither `capture_end` nor the destructor has told the allocator that no more comes.
  free(told([&] {
    c10::cuda::CUDACachingAllocator::endAllocateToPool(stream.device_index(), graph->pool);
    c10::cuda::CUDACachingAllocator::releasePool(stream.device_index(), graph->pool);
  }));
  free(told([&] {
    auto* pages = at::getHostAllocator(at::kCUDA);
    pages->end_allocate_to_pool(graph->pool);
    pages->release_pool(graph->pool);
  }));
  free(told([&] { graph.reset(); }));
  free(told([&] { capture_nothing_much(stream); }));
}

} // namespace

extern "C" {

// Begins to capture what the calling thread gives to `stream`, which is its current one until the
// end of the capture. The graph's memory comes from the pool of `shared`, unless that is null.
char* omnishot_graph_begin(omnishot_stream on, const Graph* shared, Graph** made) {
  return told([&] {
    const auto stream = unpacked(on);
    // As PyTorch does before a capture: nothing is under way, and memory that is free can be taken
    // by the graph's pool.
    VirtualGuardImpl(at::kCUDA).synchronizeDevice(stream.device_index());
    c10::cuda::CUDACachingAllocator::emptyCache();
    auto graph = std::make_unique<Graph>(stream, shared ? shared->pool : at::cuda::graph_pool_handle());
    try {
      graph->graph.capture_begin(graph->pool, MODE);
    } catch (...) {
      abandon(std::move(graph), false);
      throw;
    }
    *made = graph.release();
  });
}

// Ends the capture. A graph that cannot be had is given up, and `graph` is gone with it.
char* omnishot_graph_end(Graph* graph) {
  return told([&] {
    std::unique_ptr<Graph> own(graph);
    try {
      own->graph.capture_end();
    } catch (...) {
      abandon(std::move(own), false);
      throw;
    }
    own.release();
  });
}

// Gives up a graph whose capture is under way.
void omnishot_graph_abandon(Graph* graph) {
  free(told([&] { abandon(std::unique_ptr<Graph>(graph), true); }));
}

char* omnishot_graph_replay(Graph* graph) {
  return told([&] {
    const c10::StreamGuard guard(graph->stream);
    graph->graph.replay();
  });
}

// Waits for the last replay, since the graph's memory goes back to the allocator.
void omnishot_graph_drop(Graph* graph) {
  free(told([&] {
    std::unique_ptr<Graph> own(graph);
    VirtualGuardImpl(at::kCUDA).synchronizeStream(own->stream);
  }));
}

} // extern "C"

#else

struct Graph;

namespace {
char* none() { return omnishot::text('e', "this build has no CUDA graphs"); }
} // namespace

extern "C" {

char* omnishot_graph_begin(omnishot_stream, const Graph*, Graph**) { return none(); }
char* omnishot_graph_end(Graph*) { return none(); }
void omnishot_graph_abandon(Graph*) {}
char* omnishot_graph_replay(Graph*) { return none(); }
void omnishot_graph_drop(Graph*) {}

} // extern "C"

#endif
