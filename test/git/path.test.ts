import { expect, test } from "vitest";
import { fileResource } from "../../server/git/path.ts";
import { openRepository } from "../../server/git/repository.ts";
import { Sandbox } from "../helpers/sandbox.ts";

// No shell can pass a NUL in an argument; an editor or an agent can.
test("a path with a NUL in it is refused, whatever stands before the NUL", async () => {
	await using sandbox = await Sandbox.create();
	const repository = await openRepository(sandbox.repository);

	const asked = fileResource(repository, sandbox.repository, "README.md\0.txt", { allowNew: true });
	await expect(asked).rejects.toMatchObject({
		code: "path_invalid",
		message: "README.md\\x00.txt contains a NUL character",
	});
});
