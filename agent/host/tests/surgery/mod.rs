//! Gives a component's first core module a start function: what no compiler makes, somebody hostile can.

use wasmparser::{Parser, Payload, TypeRef};

/// A component that runs into `unreachable` when it is instantiated.
pub(crate) fn crashing_at_start(component: &[u8]) -> Vec<u8> {
    // No locals; unreachable; end.
    with_start(component, &[0x00, 0x00, 0x0b])
}

/// A component that never comes to an end when it is instantiated.
pub(crate) fn looping_at_start(component: &[u8]) -> Vec<u8> {
    // No locals; loop; br 0; end; end.
    with_start(component, &[0x00, 0x03, 0x40, 0x0c, 0x00, 0x0b, 0x0b])
}

fn with_start(component: &[u8], body: &[u8]) -> Vec<u8> {
    let mut done = false;
    let edited = sections(component).into_iter().map(|(id, content)| {
        if id == 1 && !done {
            done = true;
            (id, edit(content, body))
        } else {
            (id, content.to_vec())
        }
    });
    join(&component[..8], edited)
}

/// The module with a type `[] -> []`, a function of it with this body, and a start section that names it.
fn edit(module: &[u8], body: &[u8]) -> Vec<u8> {
    let functions = function_count(module);
    let types =
        sections(module).into_iter().find(|(id, _)| *id == 1).map_or(0, |(_, content)| leb(content).0);
    let start = (8, number(functions));
    let mut edited = Vec::new();
    for (id, content) in sections(module) {
        // Start comes after export (7) and before element (9), data count (12) and code (10).
        if matches!(id, 9 | 10 | 12) && !edited.iter().any(|(id, _)| *id == 8) {
            edited.push(start.clone());
        }
        edited.push((
            id,
            match id {
                1 => append(content, &[0x60, 0x00, 0x00]),
                3 => append(content, &number(types)),
                10 => append(content, &[number(body.len()), body.to_vec()].concat()),
                _ => content.to_vec(),
            },
        ));
    }
    join(&module[..8], edited.into_iter())
}

/// Imported and own functions.
fn function_count(module: &[u8]) -> usize {
    let mut count = 0;
    for payload in Parser::new(0).parse_all(module) {
        match payload.expect("a sound module") {
            Payload::ImportSection(imports) => {
                let imports = imports.into_imports().map(|import| import.expect("an import"));
                count += imports.filter(|import| matches!(import.ty, TypeRef::Func(_))).count();
            }
            Payload::FunctionSection(functions) => count += functions.count() as usize,
            _ => {}
        }
    }
    count
}

/// The sections after the eight bytes of the header.
fn sections(wasm: &[u8]) -> Vec<(u8, &[u8])> {
    let mut found = Vec::new();
    let mut rest = &wasm[8..];
    while let [id, tail @ ..] = rest {
        let (size, used) = leb(tail);
        found.push((*id, &tail[used..used + size]));
        rest = &tail[used + size..];
    }
    found
}

fn join(header: &[u8], sections: impl Iterator<Item = (u8, Vec<u8>)>) -> Vec<u8> {
    let mut wasm = header.to_vec();
    for (id, content) in sections {
        wasm.push(id);
        wasm.extend(number(content.len()));
        wasm.extend(content);
    }
    wasm
}

/// A counted list with one more item.
fn append(content: &[u8], item: &[u8]) -> Vec<u8> {
    let (count, used) = leb(content);
    [&number(count + 1), &content[used..], item].concat()
}

/// An unsigned LEB128 number, and how many bytes it took.
fn leb(bytes: &[u8]) -> (usize, usize) {
    let used = 1 + bytes.iter().take_while(|byte| **byte & 0x80 != 0).count();
    let value = bytes[..used].iter().rev().fold(0, |value, byte| (value << 7) | usize::from(byte & 0x7f));
    (value, used)
}

fn number(mut value: usize) -> Vec<u8> {
    let mut bytes = Vec::new();
    loop {
        let low = u8::try_from(value & 0x7f).expect("seven bits");
        value >>= 7;
        bytes.push(if value == 0 { low } else { low | 0x80 });
        if value == 0 {
            return bytes;
        }
    }
}
