"""The back end: programs of the IR to native code, by LLVM."""

from wengert._backend.call import Compiled, compile_program

__all__ = ["Compiled", "compile_program"]
