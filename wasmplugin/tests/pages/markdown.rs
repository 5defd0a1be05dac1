//! Pages, and the parts of them that have commands.

use std::fs;
use std::path::Path;

use pulldown_cmark::{CodeBlockKind, Event, Options, Parser, Tag, TagEnd};

/// A page of the documentation.
pub(crate) struct Page {
    /// Its path from the root of the repository.
    pub(crate) name: String,
    text: String,
}

/// A fenced block.
pub(crate) struct Block {
    /// The line of its fence.
    pub(crate) line: usize,
    pub(crate) language: String,
    pub(crate) text: String,
    /// The reason in the comment above, why a test does not run it.
    pub(crate) not_run: Option<String>,
}

impl Block {
    pub(crate) fn is_run(&self) -> bool {
        self.is_console() && self.not_run.is_none()
    }

    fn is_console(&self) -> bool {
        self.language == "console"
    }

    /// The file that the block shows: its commands find it. It is named after the language, as in `yaml istio.yaml`.
    pub(crate) fn file(&self) -> Option<&str> {
        let (_, name) = self.language.split_once(' ')?;
        name.contains('.').then_some(name)
    }
}

impl Page {
    pub(crate) fn read(root: &Path, name: &str) -> Self {
        let path = root.join(name);
        let text = fs::read_to_string(&path).unwrap_or_else(|error| panic!("{name}: {error}"));
        Self {
            name: name.to_owned(),
            text,
        }
    }

    /// The commands of the page, each with its line, and whether it is all of a command: in a block, not in running text.
    pub(crate) fn commands(&self) -> Vec<(usize, String, bool)> {
        let blocks = self.blocks().into_iter();
        let in_blocks = blocks.flat_map(|block| {
            let language = block.language.split(' ').next().unwrap_or_default();
            let lines: Vec<_> = match language {
                "console" => prompts(&block.text).map(|(line, _)| line).collect(),
                "sh" | "bash" | "shell" | "" | "yaml" => joined(&block.text),
                _ => Vec::new(),
            };
            let line = block.line;
            lines.into_iter().map(move |text| (line, text, true))
        });
        let events = Parser::new_ext(&self.text, options()).into_offset_iter();
        let in_text = events.filter_map(|(event, range)| match event {
            Event::Code(code) => Some((self.line(range.start), code.into_string(), false)),
            _ => None,
        });
        in_blocks.chain(in_text).collect()
    }

    pub(crate) fn blocks(&self) -> Vec<Block> {
        let mut blocks = Vec::new();
        let mut open: Option<Block> = None;
        let mut not_run = None;
        for (event, range) in Parser::new_ext(&self.text, options()).into_offset_iter() {
            match event {
                Event::Html(html) => not_run = reason(&html),
                Event::Start(Tag::CodeBlock(kind)) => {
                    let language = match kind {
                        CodeBlockKind::Fenced(info) => info.into_string(),
                        CodeBlockKind::Indented => String::new(),
                    };
                    open = Some(Block {
                        line: self.line(range.start),
                        language,
                        text: String::new(),
                        not_run: not_run.take(),
                    });
                }
                Event::Text(text) => {
                    if let Some(block) = &mut open {
                        block.text.push_str(&text);
                    }
                }
                Event::End(TagEnd::CodeBlock) => blocks.extend(open.take()),
                Event::Start(Tag::HtmlBlock) | Event::End(TagEnd::HtmlBlock) => {}
                _ => not_run = None,
            }
        }
        blocks
    }

    fn line(&self, offset: usize) -> usize {
        let before = self.text.get(..offset).unwrap_or_default();
        before.matches('\n').count() + 1
    }
}

fn options() -> Options {
    Options::ENABLE_TABLES
}

fn reason(html: &str) -> Option<String> {
    let comment = html.trim().strip_prefix("<!--")?.strip_suffix("-->")?;
    let reason = comment.trim().strip_prefix("not run:")?;
    Some(reason.trim().to_owned())
}

/// The lines of a shell, those that go on in the next one joined.
fn joined(text: &str) -> Vec<String> {
    let text = text.replace("\\\n", " ");
    text.lines().map(str::to_owned).collect()
}

/// The commands of a console, each with what it prints.
pub(crate) fn prompts(text: &str) -> impl Iterator<Item = (String, String)> {
    let text = format!("\n{text}").replace("\\\n", " ");
    let parts: Vec<_> = text.split("\n$ ").skip(1).map(str::to_owned).collect();
    parts.into_iter().map(|part| {
        let (command, output) = part.split_once('\n').unwrap_or((&part, ""));
        (command.to_owned(), output.trim_end().to_owned())
    })
}
