//! Runs the threads of all processes as coroutines, one at a time, on the thread of the world.
//!
//! A coroutine runs until it waits for something. The next event of the agenda then continues it, or another one. Which one that
//! is, and when, only the seed decides.

use std::cell::Cell;
use std::panic::{self, AssertUnwindSafe};
use std::ptr;

use corosensei::stack::DefaultStack;
use corosensei::{Coroutine, CoroutineResult, Yielder};

use crate::agenda::Event;
use crate::world::{self, Micros, World};

/// The stack of a coroutine. Memory is taken only for what is used of it.
const STACK: usize = 512 * 1024;

/// The number of a simulated thread.
pub(crate) type TaskId = usize;

/// A simulated thread that was requested and does not run yet.
pub(crate) struct Spawned {
    pub(crate) process: usize,
    pub(crate) name: String,
    pub(crate) run: Box<dyn FnOnce()>,
}

/// What the world knows of a simulated thread.
pub(crate) struct Task {
    pub(crate) process: usize,
    pub(crate) name: String,
    pub(crate) has_ended: bool,
    /// Whether it waits for something that others may cause.
    pub(crate) is_blocked: bool,
    /// Increases whenever it continues, so that an outdated wake-up is recognized.
    pub(crate) generation: u64,
    /// How often it found that it need not wait, since it continued.
    pub(crate) waits: u32,
}

/// What unwinds the stack of a thread whose process was killed.
struct Killed;

thread_local! {
    /// The yielder of the coroutine that runs.
    static YIELDER: Cell<*const Yielder<(), ()>> = const { Cell::new(ptr::null()) };
    /// Whether the coroutine is only asked whether what it waits for has happened.
    static IS_ASKED: Cell<bool> = const { Cell::new(false) };
    static ANSWER: Cell<bool> = const { Cell::new(false) };
}

/// The coroutines, by task.
#[derive(Default)]
pub(crate) struct Scheduler {
    coroutines: Vec<Option<Coroutine<(), (), (), DefaultStack>>>,
    stacks: Vec<DefaultStack>,
}

impl Scheduler {
    /// With stacks that another world has left behind.
    pub(crate) fn with_stacks(stacks: Vec<DefaultStack>) -> Self {
        Self { stacks, ..Self::default() }
    }

    pub(crate) fn into_stacks(self) -> Vec<DefaultStack> {
        self.stacks
    }

    /// Starts what was spawned.
    pub(crate) fn start_spawned(&mut self) {
        for Spawned { process, name, run } in world::with(|world| std::mem::take(&mut world.spawned)) {
            let stack = self.stacks.pop().unwrap_or_else(|| DefaultStack::new(STACK).expect("memory for a stack"));
            self.coroutines.push(Some(coroutine(stack, run)));
            world::with(|world| world.add_task(process, name));
        }
    }

    /// Continues a task, unless this wake-up is outdated.
    pub(crate) fn resume(&mut self, task: TaskId, generation: u64) {
        if world::with(|world| world.begin_step(task, generation)) {
            self.run(task);
        }
    }

    /// Asks the blocked tasks of `process` whether they can continue, and wakes those that can.
    pub(crate) fn ask_blocked(&mut self, process: usize) {
        let mut index = 0;
        while let Some(task) = world::with(|world| world.blocked_task(process, &mut index)) {
            IS_ASKED.set(true);
            world::with(|world| world.running = task);
            self.run(task);
            IS_ASKED.set(false);
            if ANSWER.take() {
                world::with(|world| world.wake(task));
            }
        }
    }

    /// Ends all tasks of a process that is dead: they unwind, and nothing they do has an effect.
    pub(crate) fn end_process(&mut self, process: usize) {
        for task in 0..self.coroutines.len() {
            let is_of_process = world::with(|world| world.tasks[task].process == process);
            while is_of_process && self.coroutines[task].is_some() {
                world::with(|world| world.running = task);
                self.run(task);
            }
        }
    }

    fn run(&mut self, task: TaskId) {
        let Some(coroutine) = &mut self.coroutines[task] else { return };
        if let CoroutineResult::Return(()) = coroutine.resume(()) {
            let ended = self.coroutines[task].take().expect("it has just ended");
            self.stacks.push(ended.into_stack());
            world::with(|world| world.task_ended(task));
        }
    }
}

fn coroutine(stack: DefaultStack, run: Box<dyn FnOnce()>) -> Coroutine<(), (), (), DefaultStack> {
    Coroutine::with_stack(stack, move |yielder, ()| {
        YIELDER.set(yielder);
        if world::with(|world| world.is_running_dead()) {
            return;
        }
        if let Err(panic) = panic::catch_unwind(AssertUnwindSafe(run))
            && !panic.is::<Killed>()
        {
            let text = panic.downcast_ref::<String>().map(String::as_str);
            let text = text.or_else(|| panic.downcast_ref::<&str>().copied()).unwrap_or("a panic").to_owned();
            world::with(|world| world.thread_panicked(&text));
        }
    })
}

/// Lets others run until `is_ready`, or until `deadline`.
pub(crate) fn wait(deadline: Option<Micros>, is_ready: &mut dyn FnMut() -> bool) {
    loop {
        if world::with(|world| world.is_running_dead()) {
            if std::thread::panicking() {
                return;
            }
            panic::resume_unwind(Box::new(Killed));
        }
        if is_ready() || deadline.is_some_and(|deadline| deadline <= world::with(|world| world.now)) {
            world::with(World::note_no_wait);
            return;
        }
        world::with(|world| world.block(deadline));
        loop {
            suspend();
            if !IS_ASKED.get() || world::with(|world| world.is_running_dead()) {
                break;
            }
            ANSWER.set(is_ready());
        }
    }
}

/// Lets others run for `time`.
pub(crate) fn sleep(time: Micros) {
    let until = world::with(|world| world.now + time);
    wait(Some(until), &mut || false);
}

fn suspend() {
    let yielder = YIELDER.get();
    assert!(!yielder.is_null(), "only simulated threads wait");
    // SAFETY: the coroutine that runs has set the pointer when it began or continued. Its yielder lives as long as its stack.
    #[expect(unsafe_code, reason = "see SAFETY")]
    unsafe { &*yielder }.suspend(());
    YIELDER.set(yielder);
}

/// Wakes a task at a time.
pub(crate) fn wake_up(task: TaskId, generation: u64) -> Event {
    Event::Resume { task, generation }
}
