//! One agent a profile: second starts, dead sockets, long paths, strangers' folders.

use super::*;
use tokio::io::{AsyncReadExt, AsyncWriteExt};

fn profile() -> tempfile::TempDir {
    tempfile::tempdir().expect("a folder")
}

/// Says `words` from one end to the other.
async fn talk(listener: &Listener, profile: &Path, words: &[u8]) -> Vec<u8> {
    let (visitor, host) = tokio::join!(connect(profile), listener.accept());
    let (mut visitor, mut host) = (visitor.expect("the agent is there"), host.expect("a visitor"));
    visitor.write_all(words).await.expect("written");
    visitor.shutdown().await.expect("closed");
    let mut heard = Vec::new();
    host.read_to_end(&mut heard).await.expect("read");
    heard
}

#[tokio::test]
async fn the_second_agent_finds_the_first() {
    let profile = profile();
    assert!(matches!(connect(profile.path()).await, Err(InstanceError::NotRunning { .. })));
    let first = listen(profile.path()).expect("the first");
    match listen(profile.path()) {
        Err(InstanceError::Running { pid, .. }) => assert_eq!(pid, Some(std::process::id())),
        other => panic!("{other:?}"),
    }
    assert_eq!(talk(&first, profile.path(), b"dial 600").await, b"dial 600");
    drop(first);
    assert!(matches!(connect(profile.path()).await, Err(InstanceError::NotRunning { .. })));
    let again = listen(profile.path()).expect("after the first has gone");
    assert_eq!(talk(&again, profile.path(), b"x").await, b"x");
}

#[tokio::test]
async fn two_profiles_are_two_agents() {
    let (a, b) = (profile(), profile());
    let first = listen(a.path()).expect("a");
    let second = listen(b.path()).expect("b");
    assert_ne!(first.place(), second.place());
    assert_eq!(talk(&second, b.path(), b"b").await, b"b");
}

#[tokio::test]
async fn two_ways_of_writing_a_folder_are_one_profile() {
    let profile = profile();
    std::fs::create_dir(profile.path().join("x")).expect("a folder");
    let _first = listen(profile.path()).expect("the first");
    let around = profile.path().join("x").join("..");
    assert!(matches!(listen(&around), Err(InstanceError::Running { .. })));
    assert!(connect(&around).await.is_ok());
}

#[tokio::test]
async fn a_profile_of_any_length_has_a_door() {
    let profile = profile();
    let long = profile.path().join("p".repeat(150)).join("q".repeat(150));
    std::fs::create_dir_all(&long).expect("a deep folder");
    let listener = listen(&long).expect("a door");
    assert!(listener.place().len() < 108 || cfg!(windows), "{}", listener.place());
    assert_eq!(talk(&listener, &long, b"x").await, b"x");
}

#[test]
fn a_missing_profile_is_named() {
    let error = listen(Path::new("/no/such/profile")).expect_err("nothing there").to_string();
    assert!(error.contains("/no/such/profile"), "{error}");
}

#[cfg(unix)]
mod unix {
    use super::*;
    use std::os::unix::{fs::PermissionsExt, net::UnixListener};

    #[tokio::test]
    async fn only_we_may_enter() {
        let profile = profile();
        let listener = listen(profile.path()).expect("a door");
        let mode = |path: &Path| std::fs::metadata(path).expect("there").permissions().mode() & 0o777;
        let place = PathBuf::from(listener.place());
        assert_eq!(mode(&place), 0o600);
        assert_eq!(mode(place.parent().expect("a folder")), 0o700);
        assert_eq!(mode(&profile.path().join("agent.lock")), 0o600);
    }

    #[tokio::test]
    async fn what_a_killed_agent_left_is_taken_over() {
        let profile = profile();
        let listener = listen(profile.path()).expect("a door");
        let place = listener.place();
        drop(listener);
        // A socket nobody listens on any more, as after a kill.
        drop(UnixListener::bind(&place).expect("a dead socket"));
        assert!(matches!(connect(profile.path()).await, Err(InstanceError::NotRunning { .. })));
        let listener = listen(profile.path()).expect("taken over");
        assert_eq!(talk(&listener, profile.path(), b"x").await, b"x");
    }

    #[tokio::test]
    async fn a_file_in_the_sockets_place_is_not_removed() {
        let profile = profile();
        let listener = listen(profile.path()).expect("a door");
        let place = PathBuf::from(listener.place());
        drop(listener);
        std::fs::write(&place, "precious").expect("a file");
        let listener = listen(profile.path()).expect("another place");
        assert_ne!(listener.place(), place.display().to_string());
        assert_eq!(std::fs::read_to_string(&place).expect("still there"), "precious");
        std::fs::remove_file(&place).expect("cleaned up");
    }
}
