//! Keeps the comments of imported objects, which often explain rules.

use crate::yaml::{Comment, Node};

/// The comments of an object.
#[derive(Clone, Debug, Default)]
pub(super) struct Comments {
    /// Comments about the whole object.
    pub(super) object: Vec<String>,
    /// Comments about each of its rules.
    pub(super) rules: Vec<Vec<String>>,
}

/// A document with its comments, in order.
#[derive(Clone, Copy)]
pub(super) struct Written<'w> {
    pub(super) text: &'w str,
    pub(super) document: &'w Node,
    pub(super) comments: &'w [Comment],
}

impl<'w> Written<'w> {
    /// The comments about an object in the document. A comment belongs to the rule that contains it
    /// or follows it. All others belong to the object, including those around the document.
    pub(super) fn about(self, object: &Node, rules: &[Node]) -> Comments {
        let mut about = Comments {
            object: Vec::new(),
            rules: vec![Vec::new(); rules.len()],
        };
        let start_of_rules = rules.first().map(|rule| rule.span().start);
        let first_rule = start_of_rules.map(|start| self.start_of_comments_above(start));
        for comment in self.within(object) {
            let is_behind_start = first_rule.is_some_and(|start| start <= comment.at);
            let is_before = |rule: &Node| self.end_of_line(rule.span().end) < comment.at;
            let mut rule = rules.partition_point(is_before);
            // With the indentation of the previous rule's fields, it belongs to that rule.
            let before = rule.checked_sub(1).and_then(|before| rules.get(before));
            let column = |at| self.column(at);
            if before.is_some_and(|before| column(comment.at) >= column(before.span().start)) {
                rule -= 1;
            }
            match about.rules.get_mut(rule).filter(|_| is_behind_start) {
                Some(comments) => comments.push(comment.text.clone()),
                None => about.object.push(comment.text.clone()),
            }
        }
        about
    }

    /// The comments in an object, or all of them if the document is the object.
    fn within(self, object: &Node) -> &'w [Comment] {
        if object.span() == self.document.span() {
            return self.comments;
        }
        let before = |at: usize| self.comments.partition_point(|comment| comment.at < at);
        let range = before(object.span().start)..before(object.span().end);
        self.comments.get(range).unwrap_or_default()
    }

    fn column(self, at: usize) -> usize {
        let before = self.text.get(..at).unwrap_or_default();
        at - before.rfind('\n').map_or(0, |end| end + 1)
    }

    fn end_of_line(self, at: usize) -> usize {
        let rest = self.text.get(at..).unwrap_or_default();
        at + rest.find('\n').unwrap_or(rest.len())
    }

    /// The start of the comment lines directly above the line of `at`.
    fn start_of_comments_above(self, at: usize) -> usize {
        let before = self.text.get(..at).unwrap_or_default();
        let mut start = before.rfind('\n').map_or(0, |end| end + 1);
        for line in before
            .get(..start)
            .unwrap_or_default()
            .rsplit_terminator('\n')
        {
            if !line.trim_start().starts_with('#') {
                break;
            }
            start -= line.len() + 1;
        }
        start
    }
}
