//! The steps by which files come to be. Each stands behind [`step`], so that the unit tests of
//! every room that writes can have any one of them refused, or the process killed there.

use std::fs::File;
use std::io::{self, Write};
use std::path::Path;

/// Called before the system is asked for something that concerns `path`. Does nothing but in
/// unit tests, where it may refuse.
#[inline]
pub fn step(path: &Path) -> io::Result<()> {
    #[cfg(any(test, feature = "tests"))]
    planned::step(path)?;
    #[cfg(not(any(test, feature = "tests")))]
    let _ = path;
    Ok(())
}

/// A file that is being written, and what it is to be called. Once a write was refused, all that
/// follow are, and so is the flush: a writer on top of it may have forgotten the error.
pub(crate) struct Writing<'a> {
    file: &'a mut File,
    path: &'a Path,
    failed: Option<(io::ErrorKind, Option<i32>)>,
}

impl<'a> Writing<'a> {
    /// Writes into `file`; errors concern `path`.
    pub fn new(file: &'a mut File, path: &'a Path) -> Writing<'a> {
        Writing {
            file,
            path,
            failed: None,
        }
    }

    fn unless_refused<T>(&mut self, act: impl FnOnce(&mut File) -> io::Result<T>) -> io::Result<T> {
        if let Some((kind, code)) = self.failed {
            return Err(code.map_or(kind.into(), io::Error::from_raw_os_error));
        }
        let result = step(self.path).and_then(|()| act(self.file));
        if let Err(error) = &result
            && error.kind() != io::ErrorKind::Interrupted
        {
            self.failed = Some((error.kind(), error.raw_os_error()));
        }
        result
    }
}

impl Write for Writing<'_> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.unless_refused(|file| file.write(bytes))
    }

    fn flush(&mut self) -> io::Result<()> {
        self.unless_refused(|file| file.flush())
    }
}

#[cfg(any(test, feature = "tests"))]
#[allow(clippy::unwrap_used, reason = "for tests alone")]
pub mod planned {
    //! Steps that are refused, by the folder that they concern: tests of other folders, which
    //! run at the same time, notice nothing.

    use std::io;
    use std::path::{Path, PathBuf};
    use std::sync::Mutex;

    /// What happens at a step.
    #[derive(Clone, Copy, Debug, PartialEq, Eq)]
    pub enum Fault {
        /// It alone is refused.
        Once,
        /// It is refused, and every one after it.
        Ever,
        /// The process ends there.
        Abort,
    }

    struct Plan {
        folder: PathBuf,
        fault: Fault,
        /// Steps before it.
        before: usize,
        fired: bool,
    }

    static PLANS: Mutex<Vec<Plan>> = Mutex::new(Vec::new());

    fn plans() -> std::sync::MutexGuard<'static, Vec<Plan>> {
        PLANS.lock().unwrap_or_else(|poison| poison.into_inner())
    }

    pub(super) fn step(path: &Path) -> io::Result<()> {
        let mut plans = plans();
        let Some(plan) = plans.iter_mut().find(|plan| path.starts_with(&plan.folder)) else {
            return Ok(());
        };
        if plan.before > 0 {
            plan.before -= 1;
            return Ok(());
        }
        match plan.fault {
            Fault::Abort => std::process::abort(),
            Fault::Once if plan.fired => Ok(()),
            Fault::Once | Fault::Ever => {
                plan.fired = true;
                Err(io::ErrorKind::StorageFull.into())
            }
        }
    }

    /// Does `act` with a fault after `before` steps that concern `folder`; says whether it came
    /// so far.
    pub fn with<T>(
        folder: &Path,
        fault: Fault,
        before: usize,
        act: impl FnOnce() -> T,
    ) -> (T, bool) {
        plans().push(Plan {
            folder: folder.to_owned(),
            fault,
            before,
            fired: false,
        });
        let result = act();
        let mut plans = plans();
        let at = plans.iter().position(|plan| plan.folder == folder);
        let plan = plans.remove(at.expect("it was just put there"));
        (result, plan.fired)
    }

    /// Holds what a writer of one file leaves, at every step that fails, to the promise: the old
    /// file or the new one and nothing beside it, an error that names the file, and the new file
    /// only where the error says so. `write` writes over `folder/name`, which is there.
    pub fn a_file_is_old_or_new<E: std::error::Error>(
        folder: &Path,
        name: &str,
        mut write: impl FnMut() -> Result<(), E>,
    ) -> usize {
        let path = folder.join(name);
        let read = |path: &Path| std::fs::read(path).unwrap();
        let old = b"what was there before";
        write().unwrap();
        let new = read(&path);
        let mut steps = 0;
        for fault in [Fault::Once, Fault::Ever] {
            std::fs::write(&path, old).unwrap();
            steps = at_every_step(folder, fault, &mut write, |step, error| {
                let text = error.to_string();
                assert!(text.contains(path.to_str().unwrap()), "step {step}: {text}");
                let whole = text.contains("its folder could not be synced");
                let expected = if whole { &new[..] } else { old };
                assert!(read(&path) == expected, "step {step}: {text}");
                assert_eq!(std::fs::read_dir(folder).unwrap().count(), 1, "step {step}");
                std::fs::write(&path, old).unwrap();
            });
            assert!(read(&path) == new);
        }
        assert!(
            steps >= 6,
            "create, write, flush, sync, rename, sync: only {steps}"
        );
        steps
    }

    /// The same for processes that are killed at every step, as the ignored test `child` writes:
    /// all that may be left is one temporary file.
    #[cfg(unix)]
    pub fn a_killed_file_is_old_or_new(
        folder: &Path,
        name: &str,
        child: &str,
        write: impl FnOnce(),
    ) {
        let path = folder.join(name);
        write();
        let new = std::fs::read(&path).unwrap();
        let old = b"what was there before";
        std::fs::write(&path, old).unwrap();
        let mut renamed = 0;
        let killed = killed_at_every_step(child, folder, |step| {
            let now = std::fs::read(&path).unwrap();
            assert!(now == old || now == new, "step {step}: {} bytes", now.len());
            renamed += usize::from(now == new);
            for entry in std::fs::read_dir(folder).unwrap() {
                let entry = entry.unwrap().path();
                let left = entry.file_name().unwrap().to_str().unwrap();
                assert!(
                    left == name || left.starts_with(".omnishot-"),
                    "step {step}: {left}"
                );
                if left != name {
                    std::fs::remove_file(entry).unwrap();
                }
            }
            std::fs::write(&path, old).unwrap();
        });
        assert!(
            killed >= 6 && renamed == 1,
            "{killed} killed, {renamed} renamed"
        );
        assert!(std::fs::read(&path).unwrap() == new);
    }

    /// Where a child process works, and the step it ends at.
    const FOLDER: &str = "OMNISHOT_TEST_FOLDER";
    const STEP: &str = "OMNISHOT_TEST_STEP";

    /// Runs the ignored test `child`, which calls [`killed_here`], in processes of their own that
    /// end at the first step that concerns `folder`, the second and so on, until one comes
    /// through. `look` is called after each that was killed; their number is returned.
    #[cfg(unix)]
    pub fn killed_at_every_step(child: &str, folder: &Path, mut look: impl FnMut(usize)) -> usize {
        use std::os::unix::process::ExitStatusExt;
        for step in 0.. {
            let output = std::process::Command::new(std::env::current_exe().unwrap())
                .args(["--exact", child, "--ignored"])
                .env(FOLDER, folder)
                .env(STEP, step.to_string())
                .output()
                .unwrap();
            if output.status.success() {
                let text = String::from_utf8_lossy(&output.stdout);
                assert!(
                    text.contains("1 passed"),
                    "there is no test {child}: {text}"
                );
                return step;
            }
            let aborted = Some(6);
            assert_eq!(output.status.signal(), aborted, "step {step}: {output:?}");
            look(step);
        }
        unreachable!("an act has an end")
    }

    /// What the child of [`killed_at_every_step`] does: `act` in the folder, until it is killed.
    /// Nothing, if whoever runs the ignored tests is no such parent.
    pub fn killed_here(act: impl FnOnce(&Path)) {
        let Some(folder) = std::env::var_os(FOLDER).map(PathBuf::from) else {
            return;
        };
        let step = std::env::var(STEP).unwrap().parse().unwrap();
        with(&folder, Fault::Abort, step, || act(&folder));
    }

    /// Does `act` again and again in `folder`, each time with one more step before the fault,
    /// until none is left; `look` gets every failure, and the number of steps is returned.
    pub fn at_every_step<E: std::fmt::Debug>(
        folder: &Path,
        fault: Fault,
        mut act: impl FnMut() -> Result<(), E>,
        mut look: impl FnMut(usize, E),
    ) -> usize {
        for step in 0.. {
            match with(folder, fault, step, &mut act) {
                (Err(error), true) => look(step, error),
                (Ok(()), false) => return step,
                (result, fired) => panic!("step {step}, refused: {fired}, gives {result:?}"),
            }
        }
        unreachable!("an act has an end")
    }
}
