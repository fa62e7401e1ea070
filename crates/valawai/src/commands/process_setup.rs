//! What a process of the kit sets up before everything else.

/// The stack size of each thread. amiquip's parser recurses once for each level of nested headers, and a frame has space for
/// many thousand levels. This reserves address space, not memory.
const STACK_BYTES: &str = "268435456";

/// Sets up the process. This must be the first statement of `main`.
pub(super) fn prepare() {
    set_stack_size();
    #[cfg(all(target_os = "linux", target_env = "gnu"))]
    return_freed_memory();
}

fn set_stack_size() {
    if std::env::var_os("RUST_MIN_STACK").is_some() {
        return;
    }
    // SAFETY: changing the environment is unsound while other threads read it. There are none yet: this is the first
    // statement of `main`. There is no other way to set the stack size of threads that amiquip starts.
    #[expect(unsafe_code, reason = "see SAFETY")]
    unsafe {
        std::env::set_var("RUST_MIN_STACK", STACK_BYTES);
    }
}

/// Has memory returned to the system when it is freed.
///
/// glibc raises the size from which it returns a buffer, up to 32 MiB, each time that one of that size is freed, and it has
/// eight heaps for each core. Each of them would keep what its largest messages needed: 300 MB after half an hour of faults
/// (docs/soak.md).
#[cfg(all(target_os = "linux", target_env = "gnu"))]
fn return_freed_memory() {
    const LARGE: libc::c_int = 1024 * 1024;
    const HEAPS: libc::c_int = 4;
    let options = [(libc::M_MMAP_THRESHOLD, LARGE), (libc::M_TRIM_THRESHOLD, 2 * LARGE), (libc::M_ARENA_MAX, HEAPS)];
    for (option, value) in options {
        // SAFETY: `mallopt` reads two integers, and there are no other threads yet, which could allocate meanwhile.
        #[expect(unsafe_code, reason = "see SAFETY")]
        let _is_set = unsafe { libc::mallopt(option, value) };
    }
}
