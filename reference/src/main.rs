//! Generates the command reference and man pages: `peergate-reference PAGES MAN` writes Markdown pages to the folder
//! PAGES, and man pages to the folder MAN.

use std::env;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use peergate_reference::{man_pages, pages};

fn main() -> ExitCode {
    let folders: Vec<PathBuf> = env::args_os().skip(1).map(PathBuf::from).collect();
    let [page_folder, man_folder] = &*folders else {
        eprintln!("usage: peergate-reference PAGES MAN");
        return ExitCode::from(3);
    };
    let written = write(page_folder, &pages()).and_then(|()| write(man_folder, &man_pages()?));
    match written {
        Ok(()) => ExitCode::SUCCESS,
        Err(reason) => {
            eprintln!("error: cannot write the reference: {reason}");
            ExitCode::FAILURE
        }
    }
}

fn write(folder: &Path, files: &[(String, String)]) -> io::Result<()> {
    fs::create_dir_all(folder)?;
    files
        .iter()
        .try_for_each(|(name, content)| fs::write(folder.join(name), content))
}
