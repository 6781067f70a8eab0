//! Every committed input is replayed, every target has inputs, and every folder has a target.

use std::{collections::BTreeSet, fs};

use fuzz::{TARGETS, corpus};

#[test]
fn every_input_keeps_the_promises() {
    for target in TARGETS {
        let mut inputs = 0;
        for entry in fs::read_dir(corpus(target.name)).expect("a corpus") {
            let path = entry.expect("an entry").path();
            let bytes = fs::read(&path).expect("an input");
            // A panic in a target does not say which input it was.
            println!("{}", path.display());
            (target.run)(&bytes);
            inputs += 1;
        }
        assert!(inputs >= 5, "{} has {inputs} inputs", target.name);
    }
}

#[test]
fn folders_and_targets_have_the_same_names() {
    let folders: BTreeSet<String> = fs::read_dir(corpus(""))
        .expect("the corpora")
        .map(|entry| entry.expect("an entry").file_name().to_string_lossy().into_owned())
        .collect();
    let targets: BTreeSet<String> = TARGETS.iter().map(|target| target.name.to_owned()).collect();
    assert_eq!(folders, targets);
}
