// What a call of the C faces of this folder hands back: nothing, or what went wrong.
//
// Every function that can fail returns null, or a text to be freed by the caller with
// omnishot_cuda_free. Its first letter is no part of what it says: 'm' where memory ran out, 'e'
// where anything else went wrong.

#pragma once

#include <c10/util/Exception.h>

#include <cstdlib>
#include <cstring>
#include <exception>
#include <new>

namespace omnishot {

inline char* text(char kind, const char* said) {
  const auto length = std::strlen(said);
  auto* copy = static_cast<char*>(std::malloc(length + 2));
  if (copy == nullptr) std::abort(); // no memory for a line of text, and an error must not be lost
  copy[0] = kind;
  std::memcpy(copy + 1, said, length + 1);
  return copy;
}

template <typename Act>
char* told(Act act) {
  constexpr auto out_of_memory = 2; // cudaErrorMemoryAllocation
  try {
    act();
    return nullptr;
  } catch (const c10::OutOfMemoryError& error) {
    return text('m', error.what_without_backtrace());
  } catch (const c10::AcceleratorError& error) {
    return text(error.get_error_code() == out_of_memory ? 'm' : 'e', error.what_without_backtrace());
  } catch (const c10::Error& error) {
    return text('e', error.what_without_backtrace()); // addresses of C++ functions say nothing to a reader
  } catch (const std::bad_alloc& error) {
    return text('m', error.what());
  } catch (const std::exception& error) {
    return text('e', error.what());
  } catch (...) {
    return text('e', "an exception that is no error");
  }
}

} // namespace omnishot
