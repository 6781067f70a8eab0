//! What a component asks for and offers, read from its sections without running or compiling anything.

use crate::error::HostError;
use agent_core::plain;
use wasmparser::{
    ComponentExternalKind, ComponentType, ComponentTypeRef, Encoding, Parser, Payload, TypeRef,
};

/// The largest `plugin.wasm`, bytes.
pub const MAX_WASM_BYTES: usize = 8 * 1024 * 1024;

const MAX_FUNCTIONS: u64 = 50_000;
const MAX_TYPES: u64 = 20_000;
const MAX_NESTED: u64 = 64;
const MAX_DEPTH: usize = 8;
const MAX_MEMORIES: u64 = 8;
const MAX_TABLES: u64 = 32;
const MAX_TABLE_ELEMENTS: u64 = 100_000;
const MAX_INSTANCES: u64 = 256;
/// One page is 64 KiB; a memory that begins larger than the largest a plugin may have would never start.
const MAX_MEMORY_PAGES: u64 = 64 * 16;

/// What a component imports and exports, by full name (`trayphone:plugin/http@0.1.0`).
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Inspection {
    /// Asked for.
    pub imports: Vec<String>,
    /// Offered.
    pub exports: Vec<String>,
}

/// Reads a component's outline and holds it against the limits.
///
/// # Errors
/// [`HostError::Wasm`] says which limit, or what is malformed.
pub fn inspect(wasm: &[u8]) -> Result<Inspection, HostError> {
    if wasm.len() > MAX_WASM_BYTES {
        return Err(HostError::Wasm(format!("is larger than {} MiB", MAX_WASM_BYTES >> 20)));
    }
    if !Parser::is_component(wasm) {
        let what = if Parser::is_core_wasm(wasm) {
            "is a core module, not a component: build it with `cargo xtask plugins`"
        } else {
            "is not WebAssembly"
        };
        return Err(HostError::Wasm(what.to_owned()));
    }
    let mut outline = Outline::default();
    for payload in Parser::new(0).parse_all(wasm) {
        outline.take(&payload.map_err(malformed)?)?;
    }
    Ok(outline.found)
}

fn malformed(error: wasmparser::BinaryReaderError) -> HostError {
    HostError::Wasm(format!("is damaged: {error}"))
}

/// Running totals over the component and everything nested in it.
#[derive(Default)]
struct Outline {
    found: Inspection,
    /// 1 in the component itself, more in what is nested in it.
    depth: usize,
    nested: u64,
    functions: u64,
    types: u64,
    memories: u64,
    tables: u64,
    instances: u64,
}

impl Outline {
    fn take(&mut self, payload: &Payload<'_>) -> Result<(), HostError> {
        match payload {
            Payload::Version { encoding, .. } => {
                self.depth += 1;
                add(&mut self.nested, 1, MAX_NESTED, "nested modules and components")?;
                if self.depth > MAX_DEPTH {
                    return Err(HostError::Wasm(format!("nests components more than {MAX_DEPTH} deep")));
                }
                if self.depth == 1 && *encoding != Encoding::Component {
                    return Err(HostError::Wasm("is not a component".to_owned()));
                }
            }
            Payload::End(_) => self.depth = self.depth.saturating_sub(1),
            Payload::TypeSection(section) => self.type_count(section.count())?,
            Payload::CoreTypeSection(section) => self.type_count(section.count())?,
            Payload::ComponentTypeSection(section) => {
                self.type_count(section.count())?;
                for kind in section.clone() {
                    if matches!(kind.map_err(malformed)?, ComponentType::Resource { .. }) {
                        // Their handles would live in tables of ours; version 0.1 has no use for them.
                        return Err(HostError::Wasm(
                            "defines resource types, which plugins cannot have".to_owned(),
                        ));
                    }
                }
            }
            Payload::FunctionSection(section) => self.function_count(section.count())?,
            Payload::ComponentCanonicalSection(section) => self.function_count(section.count())?,
            Payload::ImportSection(section) => self.core_imports(section)?,
            Payload::MemorySection(section) => self.memory_section(section)?,
            Payload::TableSection(section) => self.table_section(section)?,
            Payload::InstanceSection(section) => self.instance_count(section.count())?,
            Payload::ComponentInstanceSection(section) => self.instance_count(section.count())?,
            Payload::ComponentImportSection(section) if self.depth == 1 => self.imports(section)?,
            Payload::ComponentExportSection(section) if self.depth == 1 => {
                for export in section.clone() {
                    let export = export.map_err(malformed)?;
                    if export.kind == ComponentExternalKind::Instance {
                        self.found.exports.push(clean(export.name.name));
                    }
                }
            }
            _ => {}
        }
        Ok(())
    }

    fn imports(&mut self, section: &wasmparser::ComponentImportSectionReader<'_>) -> Result<(), HostError> {
        for import in section.clone() {
            let import = import.map_err(malformed)?;
            // Types are imported so that interfaces can share them; they can do nothing.
            if !matches!(import.ty, ComponentTypeRef::Type(_)) {
                self.found.imports.push(clean(import.name.name));
            }
        }
        Ok(())
    }

    fn core_imports(&mut self, section: &wasmparser::ImportSectionReader<'_>) -> Result<(), HostError> {
        for import in section.clone().into_imports() {
            match import.map_err(malformed)?.ty {
                TypeRef::Func(_) => self.function_count(1)?,
                TypeRef::Memory(_) => add(&mut self.memories, 1, MAX_MEMORIES, "memories")?,
                TypeRef::Table(_) => add(&mut self.tables, 1, MAX_TABLES, "tables")?,
                _ => {}
            }
        }
        Ok(())
    }

    fn memory_section(&mut self, section: &wasmparser::MemorySectionReader<'_>) -> Result<(), HostError> {
        for memory in section.clone() {
            let memory = memory.map_err(malformed)?;
            add(&mut self.memories, 1, MAX_MEMORIES, "memories")?;
            if memory.initial > MAX_MEMORY_PAGES || memory.shared || memory.memory64 {
                return Err(HostError::Wasm(
                    "begins with a memory larger than 64 MiB, or of a kind plugins cannot have".to_owned(),
                ));
            }
        }
        Ok(())
    }

    fn table_section(&mut self, section: &wasmparser::TableSectionReader<'_>) -> Result<(), HostError> {
        for table in section.clone() {
            let table = table.map_err(malformed)?;
            add(&mut self.tables, 1, MAX_TABLES, "tables")?;
            if table.ty.initial > MAX_TABLE_ELEMENTS {
                return Err(HostError::Wasm(format!(
                    "begins with a table of more than {MAX_TABLE_ELEMENTS} elements"
                )));
            }
        }
        Ok(())
    }

    fn function_count(&mut self, more: u32) -> Result<(), HostError> {
        add(&mut self.functions, more, MAX_FUNCTIONS, "functions")
    }

    fn type_count(&mut self, more: u32) -> Result<(), HostError> {
        add(&mut self.types, more, MAX_TYPES, "types")
    }

    fn instance_count(&mut self, more: u32) -> Result<(), HostError> {
        add(&mut self.instances, more, MAX_INSTANCES, "instances")
    }
}

fn add(total: &mut u64, more: u32, most: u64, what: &str) -> Result<(), HostError> {
    *total += u64::from(more);
    if *total > most { Err(HostError::Wasm(format!("has more than {most} {what}"))) } else { Ok(()) }
}

/// A name as it may be shown.
fn clean(name: &str) -> String {
    plain::line(name, 200)
}

#[cfg(test)]
mod tests {
    use super::inspect;

    const COMPONENT: &[u8] = b"\0asm\x0d\0\x01\0";
    const MODULE: &[u8] = b"\0asm\x01\0\0\0";

    fn number(mut value: usize) -> Vec<u8> {
        let mut bytes = Vec::new();
        while value >= 0x80 {
            bytes.push((value & 0x7f) as u8 | 0x80);
            value >>= 7;
        }
        bytes.push(value as u8);
        bytes
    }

    fn section(id: u8, content: &[u8]) -> Vec<u8> {
        [&[id][..], &number(content.len()), content].concat()
    }

    /// A component with one core module of one section.
    fn with_module(id: u8, content: &[u8]) -> Vec<u8> {
        [COMPONENT, &section(1, &[MODULE, &section(id, content)].concat())].concat()
    }

    #[test]
    fn what_would_cost_too_much_is_refused_before_anything_is_compiled() {
        let four_gib = [vec![1, 0], number(65_536)].concat();
        let many_memories = [number(100), [0, 1].repeat(100)].concat();
        let many_functions = [number(100_000), vec![0; 100_000]].concat();
        let large_table = [vec![1, 0x70, 0], number(1_000_000)].concat();
        let resource = [COMPONENT, &section(7, &[1, 0x3f, 0x7f, 0])].concat();
        let nested = (0..9).fold(COMPONENT.to_vec(), |inner, _| [COMPONENT, &section(4, &inner)].concat());
        let many_modules = [COMPONENT, &section(1, MODULE).repeat(100)].concat();
        let table = [
            (with_module(5, &four_gib), "begins with a memory larger than 64 MiB"),
            (with_module(5, &many_memories), "has more than 8 memories"),
            (with_module(3, &many_functions), "has more than 50000 functions"),
            (with_module(4, &large_table), "begins with a table of more than 100000 elements"),
            (resource, "defines resource types"),
            (nested, "nests components more than 8 deep"),
            (many_modules, "has more than 64 nested modules and components"),
        ];
        for (wasm, said) in table {
            let error = inspect(&wasm).err().map(|error| error.to_string()).unwrap_or_default();
            assert!(error.contains(said), "{said}: {error:?}");
        }
        assert!(inspect(&with_module(5, &[1, 0, 16])).is_ok());
    }
}
