// SPDX-License-Identifier: Apache-2.0
// Selects kernels at run time: those of the best instruction set that the processor has. Kernels of
// an instruction set are functions with a target attribute, or files of their own.
#pragma once

#if defined(__x86_64__)
#define TEMPO_X86 1
#define TEMPO_TARGET_AVX2 __attribute__((target("avx2,fma")))
#define TEMPO_TARGET_AVX512 __attribute__((target("avx512f,avx512dq,avx512vl,avx512bw,fma")))
#else
#define TEMPO_X86 0
#define TEMPO_TARGET_AVX2
#define TEMPO_TARGET_AVX512
#endif

namespace tempo {

enum class InstructionSet {
  baseline,  ///< available on every processor of the architecture
  avx2,      ///< AVX2 and FMA
  avx512,    ///< AVX-512 F, DQ, VL and BW
};

/// The one in use. It starts as the value of TEMPO_INSTRUCTION_SET (baseline, avx2 or avx512), or
/// as the best of this processor; an unknown or unsupported value is an Error that names it.
InstructionSet instruction_set();

/// Changes the one in use, for tests; an Error if the processor lacks it. Tiles and packed matrices
/// made earlier keep theirs.
void set_instruction_set(InstructionSet set);

/// The one of three equivalent functions that is for the instruction set in use.
template <class T>
T of_instruction_set(T baseline, T avx2, T avx512) {
  switch (instruction_set()) {
    case InstructionSet::avx512: return avx512;
    case InstructionSet::avx2: return avx2;
    case InstructionSet::baseline: break;
  }
  return baseline;
}

bool is_supported(InstructionSet set);
const char* name_of(InstructionSet set);

/// While one exists, this thread reads and writes denormal numbers as 0: arithmetic on them is some
/// hundred times slower, and a gradient that vanishes over many steps, or a state that decays, is
/// full of them. It does nothing on processors without this mode.
class FlushDenormals {
 public:
  explicit FlushDenormals(bool on = true) : before_(mode()) {
    if (on && !in_force()) set(before_ | flush);
  }
  ~FlushDenormals() {
    if (mode() != before_) set(before_);
  }
  FlushDenormals(const FlushDenormals&) = delete;
  FlushDenormals& operator=(const FlushDenormals&) = delete;

  static bool in_force() { return (mode() & flush) == flush; }

 private:
#if TEMPO_X86
  static constexpr unsigned flush = 0x8040;  // bits of MXCSR: flush to zero, denormals are zeros
  static unsigned mode() { return __builtin_ia32_stmxcsr(); }
  static void set(unsigned mode) { __builtin_ia32_ldmxcsr(mode); }
#else
  static constexpr unsigned flush = 1;
  static unsigned mode() { return 0; }
  static void set(unsigned) {}
#endif
  unsigned before_;
};

}  // namespace tempo
