// linux/magic.h; the kernel's numbers for file systems that another machine may serve.
const networkFileSystems = new Map([
	[0x6969, "NFS"],
	[0x517b, "SMB"],
	[0xfe534d42, "SMB2"],
	[0xff534d42, "CIFS"],
	[0x01021997, "9P"],
	[0x5346414f, "AFS"],
	[0x00c36400, "Ceph"],
	[0x0bd00bd0, "Lustre"],
	[0x47504653, "GPFS"],
]);

/** The name of a network file system by statfs(2)'s type number, undefined for a local or unknown one. */
export function fileSystemName(type: number): string | undefined {
	return networkFileSystems.get(type >>> 0);
}
