//! The command line → the command reference and man pages.

mod commands;
mod page;

use std::io;

use clap_mangen::Man;

use commands::commands;

/// The pages of the command reference: the name and the Markdown of each, with an overview first.
pub fn pages() -> Vec<(String, String)> {
    let commands = commands();
    let overview = ("overview.md".to_owned(), page::overview(&commands));
    let pages = commands.iter().skip(1);
    let pages = pages.map(|command| (format!("{}.md", command.file), page::page(command)));
    std::iter::once(overview).chain(pages).collect()
}

/// The man pages: the name and the content of each, in section 1.
///
/// # Errors
///
/// If a page cannot be formatted.
pub fn man_pages() -> io::Result<Vec<(String, String)>> {
    let pages = commands().into_iter().map(|command| {
        let mut content = Vec::new();
        let title = command.path.replace(' ', "-");
        Man::new(command.command)
            .title(title.clone())
            .render(&mut content)?;
        let content = String::from_utf8(content).map_err(io::Error::other)?;
        Ok((format!("{title}.1"), content))
    });
    pages.collect()
}
