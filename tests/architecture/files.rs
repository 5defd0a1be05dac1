//! Determines which files of a crate import from each other.
//!
//! Follows names through `use`, so that an import counts for the file that defines an item, not for
//! those that re-export it. Ignores tests. Uses that are only visible through types, such as method
//! calls, are not detected.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use syn::punctuated::Punctuated;
use syn::visit::{self, Visit};
use syn::{Attribute, Expr, Item, Token, UseTree, Visibility};

/// For each file, the files that it imports from.
pub type Imports = BTreeMap<PathBuf, BTreeSet<PathBuf>>;

/// The imports of each file in the module tree of `root`.
pub fn imports(root: &Path) -> Imports {
    let mut tree = Tree::default();
    tree.read(root, Vec::new(), &directory_of_root(root));
    let mut imports = Imports::new();
    for module in tree.modules.values() {
        let of_file = imports.entry(module.file.clone()).or_default();
        for path in &module.taken {
            if let Some(Target::Item(file)) = tree.resolve(module, path, 0)
                && file != module.file
            {
                of_file.insert(file);
            }
        }
    }
    imports
}

/// Groups of files that import each other, each with its imports.
pub fn circles(imports: &Imports) -> Vec<Imports> {
    let reached: BTreeMap<_, _> = imports
        .keys()
        .map(|file| (file, reach(imports, file)))
        .collect();
    let mut seen = BTreeSet::new();
    let mut circles = Vec::new();
    for (file, beyond) in &reached {
        if !beyond.contains(*file) || !seen.insert(*file) {
            continue;
        }
        let is_of_circle =
            |other: &&PathBuf| beyond.contains(*other) && reached[*other].contains(*file);
        let circle: BTreeSet<&PathBuf> = imports.keys().filter(is_of_circle).collect();
        let within = |other: &&PathBuf| circle.contains(other);
        circles.push(
            circle
                .iter()
                .map(|file| {
                    let others = imports[*file].iter().filter(within).cloned();
                    ((*file).clone(), others.collect())
                })
                .collect(),
        );
        seen.extend(circle);
    }
    circles
}

/// All files reachable from a file through imports.
fn reach<'i>(imports: &'i Imports, file: &Path) -> BTreeSet<&'i PathBuf> {
    let mut reached = BTreeSet::new();
    let mut open: Vec<_> = imports.get(file).into_iter().flatten().collect();
    while let Some(next) = open.pop() {
        if reached.insert(next) {
            open.extend(imports.get(next).into_iter().flatten());
        }
    }
    reached
}

type ModulePath = Vec<String>;

/// The modules of a crate by path.
#[derive(Default)]
struct Tree {
    modules: BTreeMap<ModulePath, Module>,
}

#[derive(Default)]
struct Module {
    path: ModulePath,
    file: PathBuf,
    children: BTreeSet<String>,
    /// The items that it defines.
    defined: BTreeSet<String>,
    /// Imported names and their targets.
    names: BTreeMap<String, ModulePath>,
    /// The modules that it glob-imports.
    globs: Vec<ModulePath>,
    /// Paths that its code uses.
    taken: BTreeSet<ModulePath>,
}

enum Target {
    Module(ModulePath),
    Item(PathBuf),
}

/// The maximum length of a chain of re-exports.
const MAX_STEPS: usize = 32;

impl Tree {
    fn read(&mut self, file: &Path, path: ModulePath, directory: &Path) {
        let text = std::fs::read_to_string(file)
            .unwrap_or_else(|error| panic!("{}: {error}", file.display()));
        let code =
            syn::parse_file(&text).unwrap_or_else(|error| panic!("{}: {error}", file.display()));
        self.add(file, path, directory, &code.items);
    }

    fn add(&mut self, file: &Path, path: ModulePath, directory: &Path, items: &[Item]) {
        let mut module = Module {
            path: path.clone(),
            file: file.to_owned(),
            ..Module::default()
        };
        for item in items {
            match item {
                Item::Mod(inner) if is_test(&inner.attrs) => {}
                Item::Mod(inner) => {
                    let name = inner.ident.to_string();
                    let mut below = path.clone();
                    below.push(name.clone());
                    let directory_below = directory.join(&name);
                    match &inner.content {
                        Some((_, items)) => self.add(file, below, &directory_below, items),
                        None => {
                            let flat = directory.join(format!("{name}.rs"));
                            let nested = directory_below.join("mod.rs");
                            let found = if flat.exists() { flat } else { nested };
                            self.read(&found, below, &directory_below);
                        }
                    }
                    module.children.insert(name);
                }
                Item::Use(import) if is_test(&import.attrs) => {}
                Item::Use(import) => {
                    let is_passed_on = !matches!(import.vis, Visibility::Inherited);
                    module.add_use(&import.tree, &mut Vec::new(), is_passed_on);
                }
                item => {
                    module.defined.extend(name_of(item));
                    Taken(&mut module.taken).visit_item(item);
                }
            }
        }
        self.modules.insert(path, module);
    }

    /// The target of a path in a module; `None` if it leaves the crate.
    fn resolve(&self, module: &Module, path: &[String], steps: usize) -> Option<Target> {
        if steps > MAX_STEPS {
            return None;
        }
        let (first, rest) = path.split_first()?;
        let start = match first.as_str() {
            "crate" => Target::Module(Vec::new()),
            "self" => Target::Module(module.path.clone()),
            "super" => Target::Module(parent(&module.path)),
            name => self.name(module, name, steps)?,
        };
        rest.iter().try_fold(start, |target, name| match target {
            // Variants and associated functions are in the file of their item.
            Target::Item(file) => Some(Target::Item(file)),
            Target::Module(path) if name == "super" => Some(Target::Module(parent(&path))),
            Target::Module(path) => self.name(self.modules.get(&path)?, name, steps),
        })
    }

    /// The target of a name in a module.
    fn name(&self, module: &Module, name: &str, steps: usize) -> Option<Target> {
        if module.children.contains(name) {
            let mut path = module.path.clone();
            path.push(name.to_owned());
            return Some(Target::Module(path));
        }
        if module.defined.contains(name) {
            return Some(Target::Item(module.file.clone()));
        }
        if let Some(path) = module.names.get(name) {
            // `use log;` refers to another crate.
            let is_of_itself = path.len() == 1 && path[0] == name;
            return (!is_of_itself)
                .then(|| self.resolve(module, path, steps + 1))
                .flatten();
        }
        module.globs.iter().find_map(|glob| {
            let Some(Target::Module(path)) = self.resolve(module, glob, steps + 1) else {
                return None;
            };
            let other = self.modules.get(&path)?;
            (other.path != module.path)
                .then(|| self.name(other, name, steps + 1))
                .flatten()
        })
    }
}

impl Module {
    fn add_use(&mut self, tree: &UseTree, before: &mut ModulePath, is_passed_on: bool) {
        match tree {
            UseTree::Path(path) => {
                before.push(path.ident.to_string());
                self.add_use(&path.tree, before, is_passed_on);
                before.pop();
            }
            UseTree::Name(name) => {
                self.add_name(name.ident.to_string(), None, before, is_passed_on)
            }
            UseTree::Rename(rename) => {
                let alias = rename.rename.to_string();
                self.add_name(rename.ident.to_string(), Some(alias), before, is_passed_on);
            }
            UseTree::Glob(_) => self.globs.push(before.clone()),
            UseTree::Group(group) => {
                for tree in &group.items {
                    self.add_use(tree, before, is_passed_on);
                }
            }
        }
    }

    fn add_name(
        &mut self,
        name: String,
        alias: Option<String>,
        before: &[String],
        is_passed_on: bool,
    ) {
        let mut path = before.to_vec();
        if name != "self" {
            path.push(name);
        }
        let Some(last) = path.last().cloned() else {
            return;
        };
        if !is_passed_on {
            self.taken.insert(path.clone());
        }
        self.names.insert(alias.unwrap_or(last), path);
    }
}

/// Collects the paths in code.
struct Taken<'t>(&'t mut BTreeSet<ModulePath>);

impl<'c> Visit<'c> for Taken<'_> {
    fn visit_path(&mut self, path: &'c syn::Path) {
        if path.leading_colon.is_none() {
            let segments = path.segments.iter();
            self.0
                .insert(segments.map(|segment| segment.ident.to_string()).collect());
        }
        visit::visit_path(self, path);
    }

    fn visit_macro(&mut self, call: &'c syn::Macro) {
        self.visit_path(&call.path);
        // Most macros take the same arguments as functions.
        let arguments = call.parse_body_with(Punctuated::<Expr, Token![,]>::parse_terminated);
        for argument in arguments.into_iter().flatten() {
            // The expression only lives for this call.
            Taken(self.0).visit_expr(&argument);
        }
    }

    fn visit_item_fn(&mut self, function: &'c syn::ItemFn) {
        if !is_test(&function.attrs) {
            visit::visit_item_fn(self, function);
        }
    }

    fn visit_item_mod(&mut self, _: &'c syn::ItemMod) {}
}

/// Whether an item is only for tests.
fn is_test(attributes: &[Attribute]) -> bool {
    attributes.iter().any(|attribute| {
        attribute.path().is_ident("cfg")
            && attribute
                .parse_args::<syn::Path>()
                .is_ok_and(|condition| condition.is_ident("test"))
    })
}

fn name_of(item: &Item) -> Option<String> {
    let ident = match item {
        Item::Const(item) => &item.ident,
        Item::Enum(item) => &item.ident,
        Item::Fn(item) => &item.sig.ident,
        Item::Macro(item) => item.ident.as_ref()?,
        Item::Static(item) => &item.ident,
        Item::Struct(item) => &item.ident,
        Item::Trait(item) => &item.ident,
        Item::Type(item) => &item.ident,
        Item::Union(item) => &item.ident,
        _ => return None,
    };
    Some(ident.to_string())
}

fn parent(path: &[String]) -> ModulePath {
    path.split_last()
        .map(|(_, parent)| parent.to_vec())
        .unwrap_or_default()
}

fn directory_of_root(root: &Path) -> PathBuf {
    root.parent().unwrap().to_owned()
}
