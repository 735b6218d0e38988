//! Whether the data directory outlives the container that the process runs in.

use std::fs;
use std::path::{Path, PathBuf};

/// What can be known of that.
#[derive(Debug, Default)]
pub(crate) struct Facts {
    /// The data directory, from the root.
    pub(crate) directory: PathBuf,
    /// A file stands where Docker or Podman put one.
    pub(crate) has_marker: bool,
    /// What the kernel groups the first process by (`/proc/1/cgroup`).
    pub(crate) groups: String,
    /// What is mounted (`/proc/self/mountinfo`).
    pub(crate) mounts: String,
}

/// What a container's control group is called.
const CONTAINERS: [&str; 6] = ["docker", "kubepods", "containerd", "libpod", "lxc", "/ecs/"];
/// File systems that end with the container.
const FLEETING: [&str; 2] = ["tmpfs", "ramfs"];

impl Facts {
    /// As they are on this machine.
    pub(crate) fn read(directory: &Path) -> Self {
        let read = |path: &str| fs::read_to_string(path).unwrap_or_default();
        Self {
            directory: std::path::absolute(directory).unwrap_or_else(|_| directory.to_owned()),
            has_marker: ["/.dockerenv", "/run/.containerenv"].iter().any(|marker| Path::new(marker).exists()),
            groups: read("/proc/1/cgroup"),
            mounts: read("/proc/self/mountinfo"),
        }
    }
}

/// What to tell the operator, where what is kept goes with the container.
pub(crate) fn warning(facts: &Facts) -> Option<String> {
    let contained = facts.has_marker || CONTAINERS.iter().any(|name| facts.groups.contains(name));
    let mounts = facts.mounts.lines().filter_map(mount);
    // The deepest, and of two at one place the later one.
    let under = mounts.filter(|(at, _)| facts.directory.starts_with(at)).max_by_key(|(at, _)| at.components().count());
    let (at, kind) = under?;
    let is_lost = at == Path::new("/") || FLEETING.contains(&kind);
    (contained && is_lost).then(|| {
        format!(
            "what is kept in {} ends with this container: running conversations, opt-outs and history are forgotten with it. \
             Mount a volume there, or set CALLME_DATA_DIR to a directory on one",
            facts.directory.display()
        )
    })
}

/// Where a line of `mountinfo` mounts something, and of which kind it is.
fn mount(line: &str) -> Option<(PathBuf, &str)> {
    let (before, after) = line.split_once(" - ")?;
    let at = before.split(' ').nth(4)?.replace("\\040", " ");
    Some((PathBuf::from(at), after.split(' ').next()?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_container_without_a_volume_is_told_that_it_forgets() {
        let root = "640 600 0:51 / / rw,relatime master:1 - overlay overlay rw,lowerdir=/x\n";
        let volume = "700 640 8:1 /volumes/data/_data /data rw,relatime - ext4 /dev/sda1 rw\n";
        let memory = "701 640 0:60 / /data rw,nosuid - tmpfs tmpfs rw,size=64k\n";
        let beside = "702 640 8:1 /x /database rw - ext4 /dev/sda1 rw\n";
        let spaced = "703 640 8:1 /x /my\\040data rw - ext4 /dev/sda1 rw\n";
        let docker = "0::/docker/0123456789ab\n";
        for (directory, has_marker, groups, mounts, want) in [
            ("/data/.data", true, "0::/\n", [root, ""], true),
            ("/data/.data", true, "0::/\n", [root, volume], false),
            ("/data", true, "0::/\n", [root, volume], false),
            ("/data", true, "0::/\n", [volume, memory], true),
            ("/data", true, "0::/\n", [root, beside], true),
            ("/my data/x", true, "0::/\n", [root, spaced], false),
            ("/data", false, docker, [root, ""], true),
            ("/data", false, "12:pids:/kubepods/burstable/pod1\n", [root, ""], true),
            // A machine of one's own.
            ("/data", false, "0::/init.scope\n", [root, ""], false),
            ("/data", false, "", ["", ""], false),
            // Nobody knows.
            ("/data", true, docker, ["", "nonsense"], false),
        ] {
            let facts = Facts {
                directory: PathBuf::from(directory),
                has_marker,
                groups: groups.to_owned(),
                mounts: mounts.concat(),
            };
            let told = warning(&facts);
            assert_eq!(told.is_some(), want, "{facts:?}");
            assert!(told.is_none_or(|text| text.contains(directory) && text.contains("CALLME_DATA_DIR")));
        }
    }
}
