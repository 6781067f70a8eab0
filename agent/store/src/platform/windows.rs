//! Windows: the local application data, access lists, the Credential Manager, the user's locale.

use keyring_core::{CredentialStore, Entry};
use std::{
    collections::HashMap,
    env,
    fs::{self, OpenOptions},
    io::{self, ErrorKind},
    os::windows::ffi::OsStrExt,
    path::{Path, PathBuf},
    ptr::null_mut,
    slice,
    sync::Arc,
};
use windows_sys::Win32::{
    Foundation::{CloseHandle, ERROR_ALREADY_EXISTS, LocalFree},
    Security::{
        Authorization::{
            ConvertSecurityDescriptorToStringSecurityDescriptorW, ConvertSidToStringSidW,
            ConvertStringSecurityDescriptorToSecurityDescriptorW, GetNamedSecurityInfoW, SDDL_REVISION_1,
            SE_FILE_OBJECT,
        },
        DACL_SECURITY_INFORMATION, GetTokenInformation, SECURITY_ATTRIBUTES, TOKEN_QUERY, TOKEN_USER,
        TokenUser,
    },
    Storage::FileSystem::CreateDirectoryW,
    System::Threading::{GetCurrentProcess, OpenProcessToken},
};

/// `%LOCALAPPDATA%\Trayphone`: a journal is too large to roam.
pub(crate) fn default_profile_dir() -> Result<PathBuf, String> {
    let local = env::var_os("LOCALAPPDATA").map(PathBuf::from).filter(|path| path.is_absolute());
    Ok(local.ok_or("LOCALAPPDATA is not set")?.join("Trayphone"))
}

/// Makes `dir` and what is missing above it. The folder itself, and everything that is put into it, is open to the
/// user, to administrators and to the system, whatever the folder above allows.
pub(crate) fn create_private_dir(dir: &Path) -> io::Result<()> {
    if let Some(parent) = dir.parent() {
        fs::create_dir_all(parent)?;
    }
    let rights = format!("D:P(A;OICI;FA;;;SY)(A;OICI;FA;;;BA)(A;OICI;FA;;;{})", user()?);
    let rights: Vec<u16> = rights.encode_utf16().chain([0]).collect();
    let path = wide(dir);
    let mut descriptor = null_mut();
    // SAFETY: the text ends in zero; the descriptor is let go below.
    let read = unsafe {
        ConvertStringSecurityDescriptorToSecurityDescriptorW(
            rights.as_ptr(),
            SDDL_REVISION_1,
            &raw mut descriptor,
            null_mut(),
        )
    };
    if read == 0 {
        return Err(io::Error::last_os_error());
    }
    let attributes = SECURITY_ATTRIBUTES {
        nLength: size_of::<SECURITY_ATTRIBUTES>() as u32,
        lpSecurityDescriptor: descriptor,
        bInheritHandle: 0,
    };
    // SAFETY: path, attributes and the descriptor in them live until the call is over; the descriptor is let go once,
    // after what went wrong was read.
    let made = unsafe {
        let made = CreateDirectoryW(path.as_ptr(), &raw const attributes);
        let outcome = if made != 0 { Ok(()) } else { Err(io::Error::last_os_error()) };
        LocalFree(descriptor);
        outcome
    };
    match made {
        Err(error) if error.raw_os_error() == Some(ERROR_ALREADY_EXISTS as i32) && dir.is_dir() => Ok(()),
        made => made,
    }
}

/// Files inherit the folder's access list.
pub(crate) fn private_file() -> OpenOptions {
    OpenOptions::new()
}

/// Which file a name stands for: always the same one, because an open file's name cannot be taken away here.
pub(crate) fn identity(_: &Path) -> Option<(u64, u64)> {
    Some((0, 0))
}

/// Says why others could read or change what is in `dir`: files have no mode of their own here, so a folder that is
/// open to everybody shares the settings, the journal and the ledger. There is nothing to mend.
pub(crate) fn exposure(dir: &Path, _mend: bool) -> io::Result<Option<String>> {
    let path = wide(dir);
    let (mut descriptor, mut text, mut length) = (null_mut(), null_mut(), 0);
    // SAFETY: the path ends in zero; descriptor and text are let go after the last use, and the text is as long as told.
    let list = unsafe {
        let error = GetNamedSecurityInfoW(
            path.as_ptr(),
            SE_FILE_OBJECT,
            DACL_SECURITY_INFORMATION,
            null_mut(),
            null_mut(),
            null_mut(),
            null_mut(),
            &raw mut descriptor,
        );
        if error != 0 {
            return Err(io::Error::from_raw_os_error(error as i32));
        }
        let told = ConvertSecurityDescriptorToStringSecurityDescriptorW(
            descriptor,
            SDDL_REVISION_1,
            DACL_SECURITY_INFORMATION,
            &raw mut text,
            &raw mut length,
        );
        let list = if told == 0 {
            Err(io::Error::last_os_error())
        } else {
            Ok(String::from_utf16_lossy(slice::from_raw_parts(text, length as usize)))
        };
        LocalFree(text.cast());
        LocalFree(descriptor);
        list?
    };
    Ok(open_to(&list).map(|who| {
        format!(
            "its access list lets in {who}: take that away with `icacls \"{0}\" /inheritance:r /grant:r \
             \"%USERNAME%:(OI)(CI)F\"`, or choose another folder",
            dir.display()
        )
    }))
}

/// The Credential Manager.
pub(crate) fn keyring() -> Result<Arc<CredentialStore>, String> {
    match windows_native_keyring_store::Store::new() {
        Ok(store) => Ok(store),
        Err(error) => Err(format!("the Credential Manager cannot be opened ({error})")),
    }
}

/// One entry of the keyring. It stays on this computer: the store's own choice would let it roam with the user.
pub(crate) fn entry(store: &CredentialStore, service: &str, user: &str) -> keyring_core::Result<Entry> {
    store.build(service, user, Some(&HashMap::from([("persistence", "local")])))
}

/// The user's locale; empty when none is known.
pub(crate) fn locale() -> String {
    sys_locale::get_locale().unwrap_or_default()
}

/// Groups that hold strangers, as a security descriptor's text abbreviates or spells them.
const STRANGERS: [(&str, &str); 9] = [
    ("WD", "everyone"),
    ("AN", "whoever does not log in"),
    ("AU", "every user of this computer or its domain"),
    ("BU", "every user of this computer"),
    ("DU", "every user of the domain"),
    ("IU", "everyone who sits at this computer"),
    ("NU", "everyone who comes over the network"),
    ("BG", "guests"),
    ("DG", "guests of the domain"),
];

/// Whom an access list lets in who is a stranger; the list as text, such as `D:PAI(A;OICI;FA;;;SY)(A;;FR;;;WD)`.
fn open_to(list: &str) -> Option<&'static str> {
    if list.contains("NO_ACCESS_CONTROL") {
        return Some("everyone");
    }
    list.split('(').skip(1).find_map(|entry| {
        // What stands after the last entry, such as the zero at the end of the text, is none of it.
        let mut fields = entry.split(')').next()?.split(';');
        let (kind, rights, who) = (fields.next()?, fields.nth(1)?, fields.nth(2)?);
        // Entries that deny, and entries that allow nothing, let in nobody.
        if !matches!(kind, "A" | "OA" | "XA") || matches!(rights, "" | "0x0") {
            return None;
        }
        STRANGERS.into_iter().find(|(name, _)| *name == who).map(|(_, words)| words)
    })
}

/// The security id of the user we run as.
fn user() -> io::Result<String> {
    // Large enough for every security id (68 bytes) and what stands before it, aligned for the latter.
    let mut buffer = [0_u64; 32];
    let (mut token, mut used, mut text) = (null_mut(), 0, null_mut());
    // SAFETY: the token is closed and the text let go after the last use; the buffer's size is told, and it holds a
    // TOKEN_USER once the call says so.
    unsafe {
        if OpenProcessToken(GetCurrentProcess(), TOKEN_QUERY, &raw mut token) == 0 {
            return Err(io::Error::last_os_error());
        }
        let size = size_of_val(&buffer) as u32;
        let told =
            GetTokenInformation(token, TokenUser, buffer.as_mut_ptr().cast(), size, &raw mut used) != 0;
        let error = io::Error::last_os_error();
        CloseHandle(token);
        if !told {
            return Err(error);
        }
        let sid = (*buffer.as_ptr().cast::<TOKEN_USER>()).User.Sid;
        if ConvertSidToStringSidW(sid, &raw mut text) == 0 {
            return Err(io::Error::last_os_error());
        }
        let length = (0..).take_while(|&at| *text.add(at) != 0).count();
        let user = String::from_utf16(slice::from_raw_parts(text, length));
        LocalFree(text.cast());
        user.map_err(|_| ErrorKind::InvalidData.into())
    }
}

fn wide(path: &Path) -> Vec<u16> {
    path.as_os_str().encode_wide().chain([0]).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_access_list_tells_whom_it_lets_in() {
        let user = "S-1-5-21-1-2-3-1001";
        assert_eq!(open_to(&format!("D:P(A;OICI;FA;;;SY)(A;OICI;FA;;;BA)(A;OICI;FA;;;{user})")), None);
        assert_eq!(open_to("D:AI(A;OICIID;0x1301bf;;;AU)(A;ID;FA;;;BA)"), Some(STRANGERS[2].1));
        assert_eq!(open_to("D:(A;;0x1200a9;;;WD)"), Some("everyone"));
        assert_eq!(open_to("D:(A;OICI;FA;;;SY)(A;OICI;0x1301ff;;;WD)\0"), Some("everyone"));
        assert_eq!(open_to("D:(D;;FA;;;WD)(A;;FA;;;BA)"), None);
        assert_eq!(open_to("D:NO_ACCESS_CONTROL"), Some("everyone"));
        assert_eq!(open_to("D:"), None);
    }

    #[test]
    fn a_folder_made_here_is_the_users_alone_and_inside_an_open_one_too() {
        let above = tempfile::tempdir().expect("a folder");
        let dir = above.path().join("new").join("profile");
        create_private_dir(&dir).expect("made");
        create_private_dir(&dir).expect("there already");
        assert_eq!(exposure(&dir, false).expect("told"), None);
        fs::write(dir.join("file"), "x").expect("ours to write");
    }
}
