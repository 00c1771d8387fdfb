// Searched after the headers of libtorch, so it is only read where those are not in place.
// No file has this name: that stops the compiler here, with the name as its message.
#include "libtorch is missing: run tools/libtorch (or build with --no-default-features)"
