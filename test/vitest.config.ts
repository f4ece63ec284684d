import { readFileSync } from "node:fs";
import { defineConfig } from "vitest/config";
import { BaseSequencer, type TestSpecification } from "vitest/node";

// What takes longest comes first, so that nobody waits for one file at the end.
const longest = [
	"store/model",
	"store/redis-connection",
	"store/faults",
	"hooks/guard-tree",
	"hooks/install",
	"hooks/pre-push",
];

class LongestFirst extends BaseSequencer {
	override async sort(files: TestSpecification[]): Promise<TestSpecification[]> {
		const sorted = await super.sort(files);
		const rank = ({ moduleId }: TestSpecification) => {
			const place = longest.findIndex((name) => moduleId.endsWith(`/test/${name}.test.ts`));
			return place < 0 ? longest.length : place;
		};
		return sorted.toSorted((a, b) => rank(a) - rank(b));
	}
}

export default defineConfig({
	plugins: [
		{
			name: "text-files",
			enforce: "pre",
			load(id) {
				if (!/\.(sql|sh|lua)$/.test(id)) return undefined;
				return `export default ${JSON.stringify(readFileSync(id, "utf8"))};`;
			},
		},
	],
	test: {
		globalSetup: ["test/setup.ts"],
		include: ["test/**/*.test.ts"],
		exclude: ["test/campaign/**"],
		testTimeout: 60_000,
		hookTimeout: 120_000,
		// Two cores, but half of the time a test waits: for a lease, for a server that stands still, for the two seconds of pre-push.
		maxWorkers: 3,
		sequence: { sequencer: LongestFirst },
	},
});
