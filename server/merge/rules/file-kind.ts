/** What a file is, by its path: that decides which rules may touch it. */
export type FileKind =
	| { readonly kind: "code" | "configuration" | "prose" }
	/** `regenerate` is the command that makes it anew, where there is one. */
	| { readonly kind: "generated"; readonly regenerate: string | undefined };

/** The kind of the file at this path. Nothing but the path counts, so that every machine says the same. */
export function fileKind(path: string): FileKind {
	const name = path.slice(path.lastIndexOf("/") + 1).toLowerCase();
	const lock = lockFiles.get(name);
	if (lock !== undefined) return { kind: "generated", regenerate: lock };
	if (generated.test(path.toLowerCase())) return { kind: "generated", regenerate: undefined };
	if (prose.test(name)) return { kind: "prose" };
	return { kind: configuration.test(name) ? "configuration" : "code" };
}

const lockFiles: ReadonlyMap<string, string> = new Map([
	["package-lock.json", "npm install --package-lock-only"],
	["npm-shrinkwrap.json", "npm install --package-lock-only"],
	["yarn.lock", "yarn install --mode=update-lockfile"],
	["pnpm-lock.yaml", "pnpm install --lockfile-only"],
	["bun.lock", "bun install --lockfile-only"],
	["cargo.lock", "cargo generate-lockfile"],
	["go.sum", "go mod tidy"],
	["poetry.lock", "poetry lock"],
	["uv.lock", "uv lock"],
	["pdm.lock", "pdm lock"],
	["pipfile.lock", "pipenv lock"],
	["gemfile.lock", "bundle lock"],
	["composer.lock", "composer update --lock"],
	["mix.lock", "mix deps.get"],
	["flake.lock", "nix flake lock"],
	["deno.lock", "deno install"],
	["pubspec.lock", "dart pub get"],
	["podfile.lock", "pod install"],
]);

const generated =
	/\.(lock|snap|min\.(js|css)|map|pb\.go|g\.dart|designer\.cs|svg|po|pot)$|_pb2\.py$|(^|\/)(dist|build|node_modules|vendor|__snapshots__|__generated__)\//;
const prose =
	/\.(md|mdx|markdown|txt|rst|adoc|asciidoc|org|tex|html?|1)$|^(readme|changes|changelog|history|news|authors|contributors|copying|license|todo)(\.|$)/;
const configuration =
	/\.(json|json5|jsonc|ya?ml|toml|ini|cfg|conf|properties|env|mod|gradle|xml|csproj|editorconfig)$|^\.[\w.-]+(rc|ignore|attributes)$|^(dockerfile|makefile|requirements[\w.-]*)$|^\.env/;
