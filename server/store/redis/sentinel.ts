import type { Client, ClientTerms } from "./client.ts";
import { LinkError } from "./failure.ts";
import { type Address, showAddress, type TcpAddress, type Topology } from "./settings.ts";

type SentinelTopology = Extract<Topology, { kind: "sentinel" }>;

/**
 * Asks all sentinels at once where the master is and believes the first majority; without one, for lack of answers, what most
 * of those that did answer say. Rejects when none knows.
 */
export async function locateMaster(
	{ name, sentinels, password }: SentinelTopology,
	terms: Pick<ClientTerms, "tls" | "connectMs" | "commandMs">,
	open: (terms: ClientTerms) => Promise<Client>,
): Promise<Address> {
	const votes = new Map<string, { readonly address: TcpAddress; count: number }>();
	const failures: unknown[] = [];
	return new Promise((resolve, reject) => {
		const asked = sentinels.map(async (sentinel) => {
			try {
				const address = await ask(name, { ...terms, address: sentinel, db: 0, username: undefined, password }, open);
				const vote = votes.get(showAddress(address)) ?? { address, count: 0 };
				vote.count += 1;
				votes.set(showAddress(address), vote);
				if (vote.count > sentinels.length / 2) resolve(address);
			} catch (error) {
				failures.push(error);
			}
		});
		void Promise.all(asked).then(() => {
			const [most] = [...votes.values()].sort((a, b) => b.count - a.count);
			if (most !== undefined) resolve(most.address);
			else
				reject(failures.find((failure) => failure instanceof LinkError && failure.kind === "no-master") ?? failures[0]);
		});
	});
}

async function ask(
	name: string,
	terms: ClientTerms,
	open: (terms: ClientTerms) => Promise<Client>,
): Promise<TcpAddress> {
	const client = await open(terms);
	try {
		const answer = await client.send("sentinel", ["get-master-addr-by-name", name], { isIdle: true });
		if (!Array.isArray(answer) || answer.length < 2)
			throw new LinkError("no-master", `the sentinels know no master called ${name}`);
		return { kind: "tcp", host: String(answer[0]), port: Number(answer[1]) };
	} finally {
		client.close();
	}
}
