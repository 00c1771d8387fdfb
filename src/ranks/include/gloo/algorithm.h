// libtorch's wheel has c10d's headers and not gloo's, which they include. What they need of gloo's
// is declared here and beside; the code is in libtorch_cpu.
#pragma once
