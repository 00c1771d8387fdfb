// A C face of libtorch's c10d, which PyTorch's DistributedDataParallel runs on: processes find each
// other by a TCPStore, and reduce tensors by ProcessGroupGloo or, on GPUs, ProcessGroupNCCL.
//
// Every function that can fail returns null, or what went wrong, to be freed by the caller with
// omnishot_c10d_free. Rust's side of it is in group.rs.

#ifndef USE_C10D_GLOO
#define USE_C10D_GLOO 1
#endif

#include <ATen/ATen.h>
#include <torch/csrc/distributed/c10d/PrefixStore.hpp>
#include <torch/csrc/distributed/c10d/ProcessGroupGloo.hpp>
#include <torch/csrc/distributed/c10d/TCPStore.hpp>
#ifdef OMNISHOT_NCCL
#define USE_C10D_NCCL 1
#include <torch/csrc/distributed/c10d/ProcessGroupNCCL.hpp>
#endif

#include <chrono>
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <memory>
#include <stdexcept>
#include <string>
#include <thread>
#include <utility>
#include <vector>

namespace {

using std::chrono::milliseconds;
using Tensors = std::vector<at::Tensor>;
using Work = c10::intrusive_ptr<c10d::Work>;

// The bytes that are sent at once, as in DistributedDataParallel.
constexpr int64_t BUCKET = 25 << 20;

template <typename Act>
char* told(Act act) {
  try {
    act();
    return nullptr;
  } catch (const c10::Error& error) {
    return strdup(error.what_without_backtrace()); // addresses of C++ functions say nothing to a reader
  } catch (const std::exception& error) {
    return strdup(error.what());
  } catch (...) {
    return strdup("an exception that is no error");
  }
}

// Tensors that are reduced together: one that is whole in memory is so where it lies, several are
// copied into one and back.
struct Bucket {
  Tensors parts;
  Tensors sent;
  Work work;

  void take_back() {
    work->wait();
    if (parts.size() == 1 && sent[0].is_same(parts[0])) return;
    int64_t start = 0;
    for (auto& part : parts) {
      part.copy_(sent[0].narrow(0, start, part.numel()).view_as(part));
      start += part.numel();
    }
  }
};

struct Group {
  c10::intrusive_ptr<c10d::Backend> backend; // holds the store, and rank 0's serves the others

  Bucket send(Tensors parts) {
    Bucket bucket{std::move(parts), {}, {}};
    if (bucket.parts.size() == 1 && bucket.parts[0].is_contiguous()) {
      bucket.sent = bucket.parts;
    } else {
      Tensors flat;
      for (auto& part : bucket.parts) flat.push_back(part.reshape({-1}));
      bucket.sent = {at::cat(flat)};
    }
    bucket.work = backend->allreduce(bucket.sent);
    return bucket;
  }
};

// Waits until all of `keys` are there, or one process has refused to go on.
void wait_for(c10d::Store& store, const std::vector<std::string>& keys, milliseconds timeout) {
  const auto end = std::chrono::steady_clock::now() + timeout;
  for (;;) {
    if (store.check({"refused"})) {
      const auto why = store.get("refused");
      throw std::runtime_error(std::string(why.begin(), why.end()));
    }
    if (store.check(keys)) return;
    if (std::chrono::steady_clock::now() > end) break;
    std::this_thread::sleep_for(milliseconds(20));
  }
  std::string missing;
  for (const auto& key : keys) {
    if (!store.check({key})) missing += (missing.empty() ? "" : ", ") + key;
  }
  throw std::runtime_error("not there within " + std::to_string(timeout.count() / 1000) + " s: " + missing);
}

[[noreturn]] void refuse(c10d::Store& store, const std::string& why) {
  store.set("refused", std::vector<uint8_t>(why.begin(), why.end()));
  throw std::runtime_error(why);
}

// All processes know each other, each rank is one process, and all say the same of their number.
void meet(c10d::Store& store, int rank, int world, milliseconds timeout) {
  const auto number = std::to_string(world);
  const auto name = "rank " + std::to_string(rank);
  if (rank == 0) {
    store.set("world", std::vector<uint8_t>(number.begin(), number.end()));
  } else {
    wait_for(store, {"world"}, timeout);
    const auto said = store.get("world");
    const std::string first(said.begin(), said.end());
    if (first != number) {
      refuse(store, name + " has WORLD_SIZE " + number + ", and rank 0 has " + first);
    }
  }
  if (store.add("processes of " + name, 1) > 1) refuse(store, "more than one process is " + name);
  store.set(name, std::vector<uint8_t>{1});
  std::vector<std::string> all;
  for (int other = 0; other < world; ++other) all.push_back("rank " + std::to_string(other));
  wait_for(store, all, timeout);
}

std::shared_ptr<gloo::transport::Device> device(const std::string& host, const std::string& interface) {
  using c10d::ProcessGroupGloo;
  if (!interface.empty()) return ProcessGroupGloo::createDeviceForInterface(interface);
  if (host == "localhost" || host.rfind("127.", 0) == 0) {
    return ProcessGroupGloo::createDeviceForHostname("127.0.0.1");
  }
  return ProcessGroupGloo::createDefaultDevice();
}

} // namespace

extern "C" {

struct omnishot_c10d_options {
  const char* host;
  const char* prefix; // of all keys in the store
  const char* interface; // of the network; empty for the host's
  int64_t timeout; // milliseconds
  uint16_t port;
  int32_t rank;
  int32_t world;
  int32_t gpu; // its number for NCCL, or -1 for Gloo
  bool serves; // whether this process holds the store
};

void omnishot_c10d_free(char* told) { free(told); }

char* omnishot_c10d_join(const omnishot_c10d_options* options, Group** joined) {
  return told([&] {
    const milliseconds timeout(options->timeout);
    c10d::TCPStoreOptions tcp;
    tcp.port = options->port;
    tcp.isServer = options->serves;
    tcp.waitWorkers = false;
    tcp.timeout = timeout;
    auto shared = c10::make_intrusive<c10d::TCPStore>(std::string(options->host), tcp);
    auto store = c10::make_intrusive<c10d::PrefixStore>(options->prefix, shared);
    store->setTimeout(timeout);
    meet(*store, options->rank, options->world, timeout);
    auto group = std::make_unique<Group>();
    if (options->gpu >= 0) {
#ifdef OMNISHOT_NCCL
      auto nccl = c10d::ProcessGroupNCCL::Options::create();
      nccl->timeout = timeout;
      group->backend = c10::make_intrusive<c10d::ProcessGroupNCCL>(store, options->rank, options->world, nccl);
#else
      throw std::runtime_error("this build has no NCCL");
#endif
    } else {
      auto gloo = c10d::ProcessGroupGloo::Options::create(timeout);
      gloo->devices.push_back(device(options->host, options->interface));
      group->backend = c10::make_intrusive<c10d::ProcessGroupGloo>(store, options->rank, options->world, gloo);
    }
    *joined = group.release();
  });
}

void omnishot_c10d_leave(Group* group) {
  told([&] { delete group; });
}

char* omnishot_c10d_barrier(Group* group) {
  return told([&] { group->backend->barrier()->wait(); });
}

// Rank 0's values into `tensor`.
char* omnishot_c10d_broadcast(Group* group, at::Tensor* tensor) {
  return told([&] {
    Tensors tensors{*tensor};
    group->backend->broadcast(tensors)->wait();
  });
}

// Into `gathered`, [world * n, ...], from each rank its `tensor`, [n, ...].
char* omnishot_c10d_all_gather(Group* group, at::Tensor* gathered, at::Tensor* tensor) {
  return told([&] { group->backend->_allgather_base(*gathered, *tensor)->wait(); });
}

// The sums over all ranks in place of tensors of one kind. The last are sent first, since a
// backward pass ends with the first; while some are on their way, others are copied.
char* omnishot_c10d_all_reduce(Group* group, at::Tensor** tensors, size_t count) {
  return told([&] {
    std::vector<Bucket> buckets;
    Tensors parts;
    int64_t bytes = 0;
    for (size_t at = count; at-- > 0;) {
      const auto more = static_cast<int64_t>(tensors[at]->nbytes());
      if (bytes > 0 && bytes + more > BUCKET) {
        buckets.push_back(group->send(std::exchange(parts, {})));
        bytes = 0;
      }
      parts.push_back(*tensors[at]);
      bytes += more;
    }
    if (!parts.empty()) buckets.push_back(group->send(std::move(parts)));
    for (auto& bucket : buckets) bucket.take_back();
  });
}

} // extern "C"
