//! The threads of the processes, as the world knows them.

use crate::scheduler::{self, Task, TaskId};
use crate::world::{Micros, World};

/// A thread that finds so often that it need not wait, without anybody else running, is in a busy loop.
const MOST_WAITS: u32 = 10_000;

impl World {
    pub(crate) fn add_task(&mut self, process: usize, name: String) {
        self.tasks.push(Task { process, name, has_ended: false, is_blocked: false, generation: 0, waits: 0 });
        let task = self.tasks.len() - 1;
        self.processes[process].tasks.push(task);
        self.wake(task);
    }

    /// Lets a task continue soon.
    pub(crate) fn wake(&mut self, task: TaskId) {
        let delay = match self.random.u8(..) {
            0..200 => self.random.u64(1..30),
            200..254 => self.random.u64(30..1_000),
            _ => self.random.u64(1_000..50_000),
        };
        let it = &mut self.tasks[task];
        it.is_blocked = false;
        let event = scheduler::wake_up(task, it.generation);
        self.after(delay, event);
    }

    /// Whether this wake-up of a task is not outdated. Then the task runs.
    pub(crate) fn begin_step(&mut self, task: TaskId, generation: u64) -> bool {
        let it = &mut self.tasks[task];
        if it.has_ended || it.generation != generation {
            return false;
        }
        it.generation += 1;
        it.waits = 0;
        it.is_blocked = false;
        let process = it.process;
        self.running = task;
        self.trace.note(3, task, process);
        self.dirty.push(process);
        true
    }

    /// The running task did not need to wait. If that is so forever, it never lets anybody else run.
    pub(crate) fn note_no_wait(&mut self) {
        let it = &mut self.tasks[self.running];
        it.waits += 1;
        if it.waits == MOST_WAITS {
            let (process, name) = (it.process, it.name.clone());
            self.violated(
                "no busy loop",
                format!("the thread {name} of process {process} waits {MOST_WAITS} times for nothing"),
            );
            self.kill_process(process);
        }
    }

    /// The running task waits.
    pub(crate) fn block(&mut self, deadline: Option<Micros>) {
        let task = self.running;
        let it = &mut self.tasks[task];
        it.is_blocked = true;
        let event = scheduler::wake_up(task, it.generation);
        if let Some(deadline) = deadline {
            self.at(deadline, event);
        }
    }

    /// The next blocked task of a process, from `index` on.
    pub(crate) fn blocked_task(&self, process: usize, index: &mut usize) -> Option<TaskId> {
        let tasks = &self.processes[process].tasks;
        while let Some(task) = tasks.get(*index) {
            *index += 1;
            if self.tasks[*task].is_blocked {
                return Some(*task);
            }
        }
        None
    }

    pub(crate) fn task_ended(&mut self, task: TaskId) {
        let it = &mut self.tasks[task];
        it.has_ended = true;
        it.is_blocked = false;
        let process = it.process;
        self.processes[process].tasks.retain(|other| *other != task);
        self.dirty.push(process);
    }

    pub(crate) fn is_running_dead(&self) -> bool {
        self.processes[self.tasks[self.running].process].is_dead
    }

    pub(crate) fn thread_panicked(&mut self, text: &str) {
        let name = self.tasks[self.running].name.clone();
        self.violated("no thread panics", format!("the thread {name} panicked: {text}"));
    }
}
