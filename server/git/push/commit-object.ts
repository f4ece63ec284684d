/** A commit as git keeps it: what a replay needs of its header, and everything after the header byte for byte. */
export interface CommitObject {
	readonly tree: string;
	readonly parents: readonly string[];
	/** `Name <mail> 1700000000 +0100`, in the commit's own encoding. */
	readonly author: Buffer;
	readonly encoding: string | undefined;
	readonly message: Buffer;
}

export function parseCommit(bytes: Buffer): CommitObject {
	const end = bytes.indexOf("\n\n");
	const header = end === -1 ? bytes : bytes.subarray(0, end);
	const parents: string[] = [];
	let tree = "";
	let author: Buffer = Buffer.alloc(0);
	let encoding: string | undefined;
	// latin1 keeps every byte as one character.
	for (const line of header.toString("latin1").split("\n")) {
		const [, key, value = ""] = /^([a-z]+) (.*)$/s.exec(line) ?? [];
		if (key === "tree") tree = value;
		if (key === "parent") parents.push(value);
		if (key === "author") author = Buffer.from(value, "latin1");
		if (key === "encoding") encoding = value;
	}
	return { tree, parents, author, encoding, message: end === -1 ? Buffer.alloc(0) : bytes.subarray(end + 2) };
}

/** The bytes of a commit. Signatures of the commit it was made from do not fit any more and are left out, as git rebase does. */
export function formatCommit(commit: CommitObject, committer: string): Buffer {
	const lines = [
		Buffer.from(`tree ${commit.tree}\n${commit.parents.map((parent) => `parent ${parent}\n`).join("")}author `),
		commit.author,
		Buffer.from(`\ncommitter ${committer}\n`),
		Buffer.from(commit.encoding === undefined ? "" : `encoding ${commit.encoding}\n`, "latin1"),
		Buffer.from("\n"),
		commit.message,
	];
	return Buffer.concat(lines);
}

/** The same commit in UTF-8 when its author is not; as it is when nobody knows how to read it. */
export function inUnicode(commit: CommitObject): CommitObject {
	if (commit.encoding === undefined || isUnicode(commit.author)) return commit;
	try {
		const decoder = new TextDecoder(commit.encoding, { fatal: true });
		const [author, message] = [commit.author, commit.message].map((bytes) => Buffer.from(decoder.decode(bytes)));
		return { ...commit, encoding: undefined, author: author ?? commit.author, message: message ?? commit.message };
	} catch {
		return commit;
	}
}

function isUnicode(bytes: Buffer): boolean {
	return Buffer.from(bytes.toString()).equals(bytes);
}
