import { readFileSync } from "node:fs";
import { defineConfig } from "vitest/config";

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
		maxWorkers: 2,
	},
});
