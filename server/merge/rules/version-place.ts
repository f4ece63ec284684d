import { fileKind } from "./file-kind.ts";

/** Where on a line a number with dots stands. */
export interface Place {
	/** The path of the file in the repository. */
	readonly path: string;
	readonly before: string;
	readonly after: string;
}

/** What makes a number with dots a version there: `image` when it is the tag of an image, of which only the numbers are the version. */
export type PlaceKind = "version" | "image" | undefined;

/**
 * Whether a number with dots is a version, going by what stands around it: a key that is or ends in `version`, a requirement's
 * operator, an entry of a manifest, the tag of an image or of a repository. Two numbers (`1.5`) need a key, an operator or a `v`.
 * Four numbers are an address, and those with a year or a leading zero a date.
 */
export function placeKind(token: string, { path, before, after }: Place): PlaceKind {
	if (before.length > longest) return undefined;
	const numbers = token.replace(/^v/, "").split(/[-+]/)[0]?.split(".") ?? [];
	if (numbers.length > 3 || numbers.some((number) => /^0\d/.test(number)) || isYear(numbers[0] ?? "")) return undefined;
	const isPlain = numbers.length < 3 && !token.startsWith("v");
	// 1.10 is less than 1.9 where it is a number.
	if (isPlain && numbers[1] !== undefined && numbers[1].length > 1 && /(?<![<>=~!])[:=]\s*$/.test(before))
		return undefined;
	if (keyed.test(before) && ends.test(after)) return "version";
	if (tagged.test(before) && ends.test(after)) return isPlain ? undefined : "version";
	if (image.test(before) && /^["']?(\s|$)/.test(after)) return isPlain ? undefined : "image";
	const isManifest = manifest.test(path.slice(path.lastIndexOf("/") + 1).toLowerCase());
	const isConfiguration = fileKind(path).kind === "configuration";
	if (numbers.length < 3 && !isManifest) return undefined;
	if (/["'`](npm:[^"'`]*@)?[\^~]$/.test(before) && /^["'`]/.test(after)) return "version";
	if ((isManifest || isConfiguration) && requirement.test(before) && ends.test(after)) return "version";
	return isManifest && !isPlain && entry.test(before) && ends.test(after) ? "version" : undefined;
}

// Farther on in a line there is no entry; and the patterns need time for long texts.
const longest = 200;

function isYear(number: string): boolean {
	return /^(19|20)\d\d$/.test(number);
}

// `version: `, `"minVersion": "^`, `__version__ = '`, `version string = "`, `<foo.version>`, `#define FOO_VERSION "`; not `conversion = `, `version >= `.
const keyed =
	/(?:(?<![A-Za-z])(?:[Vv]er(?:sion)?|VER(?:SION)?)|(?<=[a-z0-9])Version)_*["']?(?:(?:\s+[A-Za-z]\w*)?\s*(?::\s*[&'\w ]*=|:?=(?![=~])>?|:)\s*["'`]?|>\s*|\s+["'])(?:\^|~>?\s*|>=\s*|[=~]=\s*)?$/;
const tagged = /^\s*(?:-\s+)?["']?(?:tag|rev|ref)["']?\s*[:=]\s*["']?$/;
const image = /^\s*(?:FROM\s+(?:--\S+\s+)*|(?:-\s+)?(?:image|uses)\s*:\s*["']?)[^\s"'#]+[:@]$/;
const requirement = /(?:^|["'`,]|^\s*-\s+["']?)\s*(?:[\w.@/-]+(?:\[[\w,. -]*\])?)?\s*(?:[=~]==?|>=|~>|\^|~)\s*$/;
// `"name": "`, `name = "`, `name: `, `gem "name", "`, `"name@`, `require path `.
const entry =
	/^\s*(?:[,-]\s*)?(?:(?:"[^"]+"|'[^']+'|[\w@./-]+)\s*[:=]\s*["']?|gem\s.*,\s*["']|.*["'][\w@./-]+@|(?:require\s+)?[\w.-]+\.\w+\/\S+\s+)$/;
const ends = /^(?:\.(?:dev|post)\d*|(?:a|b|rc)\d+)?(?:["'`]|\s*$|\s*[,;)}\]]|<\/|\s+(?:#|\/\/|\/\*))/;
const manifest =
	/^(package\.json|bower\.json|composer\.json|lerna\.json|deno\.jsonc?|cargo\.toml|pyproject\.toml|setup\.(cfg|py)|tox\.ini|pipfile|(dev-)?requirements[\w.-]*|constraints[\w.-]*|environment\.ya?ml|pubspec\.yaml|chart\.yaml|go\.mod|gemfile|.*\.gemspec|build\.gradle(\.kts)?|libs\.versions\.toml|pom\.xml|.*\.(cs|fs)proj|mix\.exs|\.pre-commit-config\.yaml)$/;
