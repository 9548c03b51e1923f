"""Reads everything that a copy needs to know, and changes nothing: sources, their signatures, and what the targets hold.

It works in waves as wide as the run: tags, manifests, signatures (until there are no more), targets.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable
from functools import partial

from orchestrator.errors import OrchestratorError
from orchestrator.oci.copies import Copy, CopyOptions, CopyResult, CopyState
from orchestrator.oci.copy_plan import Wanted
from orchestrator.oci.copy_tree import CopyTree, Discovered, missing_child
from orchestrator.oci.crew import for_each
from orchestrator.oci.errors import Absent, NotUsable, OciError
from orchestrator.oci.journal import Journal
from orchestrator.oci.manifest import Manifest, fallback_tag, parse_platform, select_platforms, signature_tags
from orchestrator.oci.ports import Place
from orchestrator.oci.registries import Registries
from orchestrator.oci.target_content import TargetContent
from orchestrator.oci.target_tags import TAG_PAGES, TargetTags

# An index within an index within …: nobody nests deeper, and a source may be hostile.
_DEPTH = 32


class Discovery:
    """One reading of everything."""

    def __init__(self, registries: Registries, options: CopyOptions, journal: Journal) -> None:
        self._registries = registries
        self._options = options
        self._journal = journal
        self._read: dict[str, Manifest] = {}
        self._source_tags: dict[Place, frozenset[str] | None] = {}
        self._roots: dict[tuple[Place, str], Manifest | OrchestratorError] = {}

    def run(self, copies: Iterable[Copy]) -> Discovered:
        """Everything about these copies. An image that cannot be read fails its copy, not the run."""
        trees = [CopyTree(copy, CopyResult(copy, CopyState.MISSING)) for copy in copies]
        _refuse_conflicts(trees)
        live = [tree for tree in trees if tree.live]
        self._target_tags = TargetTags([tree.copy for tree in live], self._registries, self._journal)
        self._look_first(live)
        self._each(self._resolve, [tree for tree in trees if tree.live])
        self._each(self._accept, [tree for tree in trees if tree.result.error is None])
        self._read_below([tree for tree in trees if tree.live])
        if self._options.referrers:
            self._find_signatures([tree for tree in trees if tree.live])
        wanted = self._wanted([tree for tree in trees if tree.live])
        empty = {item.target for item in wanted if self._target_tags.is_empty(item.target)}
        content = TargetContent(self._registries, self._options.threads, self._journal)
        held, committed = content.of(wanted, empty)
        for tree in trees:
            if tree.live and (error := content.errors.get(tree.copy.target_place)) is not None:
                tree.fail(error)
        wanted = [item for item in wanted if item.target not in content.errors]
        return Discovered(trees, wanted, held, committed)

    def _each(self, work: Callable[[CopyTree], None], trees: list[CopyTree]) -> None:
        def one(tree: CopyTree) -> None:
            try:
                work(tree)
            except OrchestratorError as error:
                tree.fail(error)

        for_each(self._options.threads, one, trees)

    def _look_first(self, trees: list[CopyTree]) -> None:
        """What does not wait for anything: targets' tags, and the sources of targets that no earlier run knows.

        These sources' roots and lists of tags are needed, whatever comes of the others.
        """
        fresh = [tree for tree in trees if not self._journal.knows(tree.copy.target_place)]
        tags = {tree.copy.source_place for tree in fresh} if self._options.referrers else set()
        roots = {(tree.copy.source_place, tree.copy.source_reference) for tree in fresh}
        work: list[Callable[[], None]] = [partial(self._target_tags.ask, place) for place in self._target_tags.places]
        work += [partial(self._look_for_root, *root) for root in sorted(roots)]
        work += [partial(self._list_tags, place) for place in sorted(tags)]
        for_each(self._options.threads, lambda look: look(), work)
        for tree in trees:
            error = self._target_tags.error(tree.copy.target_place)
            if error is not None:
                tree.fail(error)

    def _look_for_root(self, place: Place, reference: str) -> None:
        try:
            self._roots[place, reference] = self._first(place, reference)
        except OrchestratorError as error:
            self._roots[place, reference] = error

    # Sources

    def _resolve(self, tree: CopyTree) -> None:
        """The root of one copy, and whether the target has it."""
        copy = tree.copy
        place, reference = copy.source_place, copy.source_reference
        registry = self._registries.source(place.registry)
        digest = copy.source.digest or ""
        target = None
        if not digest and self._journal.knows(copy.target_place):
            # The reading of what is not there says so.
            digest = registry.manifest_digest(place.repository, reference) or self._root(place, reference).digest
        tree.source_digest = digest
        expected = digest if not copy.platforms else self._journal.selected(digest, ",".join(copy.platforms)) or ""
        if expected:
            target = self._target_tags.digest(copy, expected)
            complete = self._journal.complete(copy.target_place, expected) if target == expected else None
            if complete is not None:
                tree.known = complete.tree
                tree.result.state, tree.result.digest = CopyState.UNCHANGED, expected
                tree.result.other_digest = bool(copy.platforms) and expected != digest
                tree.settled = not self._options.referrers or time.time() - complete.asked < self._options.recheck
                return
        root = self._root(place, digest or reference)
        tree.source_digest = root.digest
        tree.root = self._selected(root, copy)
        if target is None or expected != tree.root.digest:
            target = self._target_tags.digest(copy, tree.root.digest)
        tree.result.digest = tree.root.digest
        tree.result.other_digest = tree.root.digest != root.digest
        tree.manifests[tree.root.digest] = tree.root
        if target == tree.root.digest:
            tree.result.state = CopyState.UNCHANGED
        elif target:
            tree.result.state = CopyState.STALE
        if target != tree.root.digest and self._journal.complete(copy.target_place, tree.root.digest):
            # It was deleted there. A run that is killed now leaves the image without its signatures.
            self._journal.forget_image(copy.target_place, tree.root.digest)

    def _accept(self, tree: CopyTree) -> None:
        if self._options.accept is not None:
            self._options.accept(tree.copy.source_place, tree.source_digest)

    def _root(self, place: Place, reference: str) -> Manifest:
        found = self._roots.get((place, reference))
        if isinstance(found, OrchestratorError):
            raise found
        return found or self._read.get(reference) or self._first(place, reference)

    def _first(self, place: Place, reference: str) -> Manifest:
        found = self._registries.source(place.registry).manifest(place.repository, reference)
        return self._read.setdefault(found.digest, found)

    def _manifest(self, place: Place, digest: str) -> Manifest:
        """The manifest of a digest, whoever gave it first."""
        return self._read.get(digest) or self._first(place, digest)

    def _selected(self, root: Manifest, copy: Copy) -> Manifest:
        if not copy.platforms:
            return root
        if not root.is_index:
            return root
        selected = select_platforms(root, [parse_platform(text) for text in copy.platforms])
        self._journal.remember_selection(root.digest, ",".join(copy.platforms), selected.digest)
        return selected

    def _read_below(self, trees: list[CopyTree]) -> None:
        """The manifests of every index, level by level."""
        frontier: dict[Place, list[Manifest]] = {}
        for tree in trees:
            frontier.setdefault(tree.copy.source_place, []).extend(tree.manifests.values())
        errors = self._read_children(frontier)
        self._each(lambda tree: self._collect(tree, list(tree.manifests), errors), trees)

    def _read_children(self, frontier: dict[Place, list[Manifest]]) -> dict[str, OrchestratorError]:
        errors: dict[str, OrchestratorError] = {}
        pending = {
            (child.digest, place) for place, manifests in frontier.items() for m in manifests for child in m.children
        }
        for _ in range(_DEPTH):
            asked = {digest: place for digest, place in sorted(pending) if digest not in self._read}

            def read(item: tuple[str, Place]) -> None:
                try:
                    self._manifest(item[1], item[0])
                except OrchestratorError as error:
                    errors[item[0]] = error

            for_each(self._options.threads, read, list(asked.items()))
            pending = {
                (child.digest, place)
                for digest, place in pending
                if digest in self._read
                for child in self._read[digest].children
            }
            if not pending:
                return errors
        for digest, _ in pending:
            errors.setdefault(digest, NotUsable(f"{digest} is nested deeper than {_DEPTH} indexes."))
        return errors

    def _collect(self, tree: CopyTree, roots: list[str], errors: dict[str, OrchestratorError]) -> None:
        stack = [(digest, 0) for digest in roots]
        while stack:
            digest, depth = stack.pop()
            if digest in errors:
                raise missing_child(digest, errors[digest]) if depth else errors[digest]
            if depth > _DEPTH:
                raise NotUsable(f"{digest} is nested deeper than {_DEPTH} indexes.")
            manifest = tree.manifests.get(digest) or self._read[digest]
            tree.manifests[digest] = manifest
            stack += [(child.digest, depth + 1) for child in manifest.children if child.digest not in tree.manifests]

    # Signatures

    def _find_signatures(self, trees: list[CopyTree]) -> None:
        """Referrers by API or fallback tag, and cosign's tags, of every manifest; then of what was found, and so on."""
        asked: dict[tuple[Place, str], dict[str, str] | OrchestratorError] = {}
        subjects = {id(tree): self._subjects(tree) for tree in trees}
        for _ in range(_DEPTH):
            new = {
                (tree.copy.source_place, subject) for tree in trees if tree.live for subject in subjects[id(tree)]
            } - asked.keys()
            self._list_source_tags({place for place, _ in new})
            for key, found in zip(
                sorted(new), for_each(self._options.threads, self._belongings, sorted(new)), strict=True
            ):
                asked[key] = found
            missing: dict[Place, set[str]] = {}
            for (place, _), found in asked.items():
                if not isinstance(found, OrchestratorError):
                    missing.setdefault(place, set()).update(d for d in found.values() if d not in self._read)
            known = {digest for tree in trees for digest in tree.known}
            errors = self._read_signatures(missing, known)
            again = False
            for tree in trees:
                if not tree.live:
                    continue
                try:
                    found_now = self._attach(tree, subjects[id(tree)], asked, errors)
                except OrchestratorError as error:
                    tree.fail(error)
                    continue
                subjects[id(tree)] = found_now
                again = again or bool(found_now)
            if not again:
                return

    def _subjects(self, tree: CopyTree) -> set[str]:
        found = set(tree.manifests) | set(tree.known)
        if tree.root is not None and tree.result.other_digest:
            # The smaller index is ours: nobody has signed it.
            found.discard(tree.root.digest)
        return found

    def _list_source_tags(self, places: set[Place]) -> None:
        for_each(self._options.threads, self._list_tags, sorted(places - self._source_tags.keys()))

    def _list_tags(self, place: Place) -> None:
        try:
            found = self._registries.source(place.registry).tags(place.repository, pages=TAG_PAGES)
        except OciError:
            found = None
        # Some registries do not list; then each tag is asked for by its name.
        self._source_tags[place] = frozenset(found.names) if found is not None and found.complete else None

    def _belongings(self, key: tuple[Place, str]) -> dict[str, str] | OrchestratorError:
        """What belongs to one manifest: {tag, or "@" and the digest for a referrer: digest}."""
        place, subject = key
        registry = self._registries.source(place.registry)
        names = self._source_tags[place]
        found: dict[str, str] = {}
        try:
            listed = registry.referrers(place.repository, subject)
            if listed is None:
                listed = self._fallback(place, subject, names)
            for descriptor in listed:
                found[f"@{descriptor['digest']}"] = str(descriptor["digest"])
            for tag in signature_tags(subject):
                if names is None:
                    digest = registry.manifest_digest(place.repository, tag)
                    if digest is not None:
                        found[tag] = digest
                elif tag in names:
                    found[tag] = self._first(place, tag).digest
        except OrchestratorError as error:
            return error
        return found

    def _fallback(self, place: Place, subject: str, names: frozenset[str] | None) -> tuple[dict[str, object], ...]:
        tag = fallback_tag(subject)
        if names is not None and tag not in names:
            return ()
        try:
            index = self._registries.source(place.registry).manifest(place.repository, tag)
        except (Absent, NotUsable):
            return ()
        # GitLab takes the tag for the digest and gives the subject itself.
        return () if index.digest == subject else tuple({"digest": child.digest} for child in index.children)

    def _read_signatures(self, missing: dict[Place, set[str]], known: set[str]) -> dict[str, OrchestratorError]:
        errors: dict[str, OrchestratorError] = {}
        items = sorted({digest: place for place, digests in missing.items() for digest in digests - known}.items())

        def read(item: tuple[str, Place]) -> None:
            try:
                self._manifest(item[1], item[0])
            except OrchestratorError as error:
                errors[item[0]] = error

        for_each(self._options.threads, read, items)
        below = {place: [self._read[d] for d in digests if d in self._read] for place, digests in missing.items()}
        return errors | self._read_children(below)

    def _attach(
        self,
        tree: CopyTree,
        subjects: set[str],
        asked: dict[tuple[Place, str], dict[str, str] | OrchestratorError],
        errors: dict[str, OrchestratorError],
    ) -> set[str]:
        """Take what belongs to these subjects into the tree; the manifests that are new, for their own signatures."""
        new: set[str] = set()
        for subject in subjects:
            found = asked[tree.copy.source_place, subject]
            if isinstance(found, OrchestratorError):
                raise found
            for name, digest in found.items():
                tag = "" if name.startswith("@") else name
                if digest in tree.known or digest in tree.signatures:
                    continue
                if digest not in self._read and isinstance(errors.get(digest), Absent):
                    # The list of a registry names what was deleted since.
                    continue
                before = set(tree.manifests)
                self._collect(tree, [digest], errors)
                tree.signatures[digest] = (subject, tag)
                for added in tree.manifests.keys() - before:
                    new.add(added)
                    tree.signatures.setdefault(added, (subject, ""))
                if tag:
                    tree.tags[tag] = digest
        return new

    # What comes of it

    def _wanted(self, trees: list[CopyTree]) -> list[Wanted]:
        wanted: dict[tuple[Place, str], Wanted] = {}
        for tree in trees:
            target, origin = tree.copy.target_place, tree.copy.source_place
            for digest, manifest in tree.manifests.items():
                item = wanted.setdefault((target, digest), Wanted(target, manifest, [], is_signature=True))
                item.is_signature = item.is_signature and digest in tree.signatures
                if origin not in item.origins:
                    item.origins.append(origin)
            if tree.root is not None and tree.copy.target_tag and tree.result.state is not CopyState.UNCHANGED:
                wanted[target, tree.root.digest].tags.add(tree.copy.target_tag)
            for tag, digest in tree.tags.items():
                wanted[target, digest].tags.add(tag)
        return list(wanted.values())


def _refuse_conflicts(trees: list[CopyTree]) -> None:
    """Two sources for one tag of a target: whichever came last would win, by chance."""
    first: dict[tuple[Place, str], CopyTree] = {}
    for tree in trees:
        if not tree.copy.target_tag:
            continue
        key = tree.copy.target_place, tree.copy.target_tag
        other = first.setdefault(key, tree)
        if other is not tree and (other.copy.source, other.copy.platforms) != (tree.copy.source, tree.copy.platforms):
            tree.fail(
                NotUsable(
                    f"{tree.copy.source} and {other.copy.source} both go to {key[0]}:{key[1]}.",
                    why="A tag names one image.",
                    remedy="Leave one of them out, or give it another tag.",
                )
            )
