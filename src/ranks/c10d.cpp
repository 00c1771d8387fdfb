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

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <exception>
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

struct Group {
  c10::intrusive_ptr<c10d::Backend> backend; // holds the store, and rank 0's serves the others
};

// Gradients that are sent together, one after the other in one tensor.
struct Bucket {
  at::Tensor flat;
  size_t members = 0;
  size_t missing = 0;
  Work work;
};

// The gradients of some tensors on their way through one backward pass.
class Reduction {
 public:
  // The last tensors come first, since a backward pass ends with the first. A bucket is closed by
  // the gradient that fills it.
  Reduction(Group& group, at::Tensor** tensors, size_t count)
      : backend_(group.backend), places_(count), seen_(count) {
    std::vector<size_t> members;
    int64_t bytes = 0;
    for (size_t at = count; at-- > 0;) {
      members.push_back(at);
      bytes += static_cast<int64_t>(tensors[at]->nbytes());
      if (bytes >= BUCKET || at == 0) {
        close(tensors, std::exchange(members, {}));
        bytes = 0;
      }
    }
  }

  // From here on, gradients of a backward pass are taken.
  void begin() {
    std::fill(seen_.begin(), seen_.end(), false);
    for (auto& bucket : buckets_) {
      bucket.missing = bucket.members;
      bucket.work = {};
    }
    sent_ = 0;
    failed_ = nullptr;
    begun_ = true;
  }

  // A gradient that the backward pass has just made. All ranks send the same buckets in the same
  // order, whichever is full first. What fails here is told by `end`: it would go through libtorch's
  // engine, which knows nothing of it.
  void take(size_t at, const at::Tensor& gradient) noexcept {
    if (!begun_ || seen_[at] || failed_) return;
    try {
      at::NoGradGuard guard;
      places_[at].second.copy_(gradient);
      seen_[at] = true;
      --buckets_[places_[at].first].missing;
      for (; sent_ < buckets_.size() && buckets_[sent_].missing == 0; ++sent_) {
        Tensors flat{buckets_[sent_].flat};
        buckets_[sent_].work = backend_->allreduce(flat);
      }
    } catch (...) {
      failed_ = std::current_exception();
    }
  }

  // Puts the sums into the places of gradients, of which some were not taken before.
  void end(at::Tensor** gradients) {
    for (size_t at = places_.size(); at-- > 0;) take(at, *gradients[at]);
    begun_ = false;
    if (failed_) std::rethrow_exception(failed_);
    for (auto& bucket : buckets_) bucket.work->wait();
    for (size_t at = 0; at < places_.size(); ++at) *gradients[at] = places_[at].second;
  }

 private:
  void close(at::Tensor** tensors, const std::vector<size_t>& members) {
    int64_t numbers = 0;
    for (auto at : members) numbers += tensors[at]->numel();
    auto flat = at::empty({numbers}, tensors[members[0]]->options().requires_grad(false));
    int64_t start = 0;
    for (auto at : members) {
      const auto own = tensors[at]->numel();
      places_[at] = {buckets_.size(), flat.narrow(0, start, own).view(tensors[at]->sizes())};
      start += own;
    }
    buckets_.push_back({flat, members.size(), 0, {}});
  }

  c10::intrusive_ptr<c10d::Backend> backend_;
  std::vector<Bucket> buckets_;
  std::vector<std::pair<size_t, at::Tensor>> places_; // of each tensor: bucket, and part of it
  std::vector<bool> seen_;
  size_t sent_ = 0; // buckets
  bool begun_ = false;
  std::exception_ptr failed_;
};

// What a backward pass tells a reduction by, as long as this lives.
struct Watch {
  std::shared_ptr<Reduction> reduction;
  std::vector<std::pair<at::Tensor, unsigned>> hooks;

  Watch(Group& group, at::Tensor** tensors, size_t count)
      : reduction(std::make_shared<Reduction>(group, tensors, count)) {
    for (size_t at = 0; at < count; ++at) {
      auto take = [told = reduction, at](const at::Tensor& gradient) { told->take(at, gradient); };
      hooks.emplace_back(*tensors[at], tensors[at]->register_hook(take));
    }
  }

  Watch(const Watch&) = delete;
  Watch& operator=(const Watch&) = delete;

  ~Watch() {
    for (auto& [tensor, hook] : hooks) tensor.remove_hook(hook);
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
void join(c10d::Store& store, int rank, int world, milliseconds timeout) {
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
    join(*store, options->rank, options->world, timeout);
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
  free(told([&] { delete group; }));
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

// The sum over all ranks in place of a tensor.
char* omnishot_c10d_all_reduce(Group* group, at::Tensor* tensor) {
  return told([&] {
    Tensors tensors{*tensor};
    group->backend->allreduce(tensors)->wait();
  });
}

// Watches tensors of one kind that learn: from `begin` to `end`, gradients of a backward pass are
// added up over all ranks while it goes on.
char* omnishot_c10d_watch(Group* group, at::Tensor** tensors, size_t count, Watch** watch) {
  return told([&] { *watch = new Watch(*group, tensors, count); });
}

void omnishot_c10d_unwatch(Watch* watch) {
  free(told([&] { delete watch; }));
}

void omnishot_c10d_begin(Watch* watch) { watch->reduction->begin(); }

// The sums into the places of all gradients. Those that no backward pass has told are sent now.
char* omnishot_c10d_end(Watch* watch, at::Tensor** gradients) {
  return told([&] { watch->reduction->end(gradients); });
}

} // extern "C"
