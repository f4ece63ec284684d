/** Where a team's Redis is and how to get in; who it is for people is `showServer`. */
export interface RedisSettings {
	readonly topology: Topology;
	readonly db: number;
	readonly username: string | undefined;
	readonly password: Secret | undefined;
	/** Undefined: not encrypted. The server's certificate is always checked. */
	readonly tls: RedisTls | undefined;
}

export type Topology =
	| { readonly kind: "standalone"; readonly address: Address }
	| {
			readonly kind: "sentinel";
			readonly name: string;
			readonly sentinels: readonly TcpAddress[];
			readonly password: Secret | undefined;
	  }
	/** Some of the nodes: they name the others. */
	| { readonly kind: "cluster"; readonly nodes: readonly TcpAddress[] };

export type Address = TcpAddress | { readonly kind: "unix"; readonly path: string };

export interface TcpAddress {
	readonly kind: "tcp";
	readonly host: string;
	readonly port: number;
}

/** `ca`: the authorities that count instead of the system's. */
export interface RedisTls {
	readonly ca: { readonly path: string; readonly pem: string } | undefined;
}

/** A password. It shows as nothing but the fact that it is set, in whatever it is printed, inspected or turned into JSON. */
export class Secret {
	readonly #text: string;

	constructor(text: string) {
		this.#text = text;
	}

	/** The password itself, for the server alone. */
	reveal(): string {
		return this.#text;
	}

	toString(): string {
		return "(set)";
	}

	toJSON(): string {
		return "(set)";
	}
}

/** `redis.example.org:6379`, `/run/redis.sock`, `sentinel main` or `cluster a:7000`: for people, without secrets. */
export function showServer(topology: Topology): string {
	switch (topology.kind) {
		case "standalone":
			return showAddress(topology.address);
		case "sentinel":
			return `${topology.name} of ${topology.sentinels.map(showAddress).join(", ")}`;
		case "cluster":
			return topology.nodes.map(showAddress).join(", ");
	}
}

/** `host:port`, `[::1]:port` or a path. */
export function showAddress(address: Address): string {
	if (address.kind === "unix") return address.path;
	return `${address.host.includes(":") ? `[${address.host}]` : address.host}:${address.port}`;
}
