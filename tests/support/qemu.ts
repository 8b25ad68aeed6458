/**
 * Boots kernels in QEMU, without hardware virtualisation.
 *
 * @module
 */

/** Options of {@linkcode bootKernel}. */
export interface BootOptions {
  /** QEMU's machine type. Default: `pc`. */
  readonly machine?: string;
  /** Ends the machine when the serial output matches; its lines end in `\r\n`. Default: it runs until it switches itself off. */
  readonly until?: RegExp;
  /** How long the machine may run, in milliseconds. Default: 60,000. */
  readonly timeout?: number;
  /** Ends the machine. */
  readonly signal?: AbortSignal;
}

/**
 * Boots a kernel on an x86-64 machine.
 *
 * @param path the kernel: a multiboot ELF file or a bzImage; without a blank, which would split its command line
 * @param cmdline its command line
 * @returns what it wrote on the serial port
 * @throws {Error} when it takes too long or QEMU fails, with the output so far; the signal's reason when that fires
 */
export async function bootKernel(path: string, cmdline: string, options: BootOptions = {}): Promise<string> {
  const { machine = "pc", until, timeout = 60_000, signal } = options;
  const deadline = AbortSignal.timeout(timeout);
  const stop = signal === undefined ? deadline : AbortSignal.any([deadline, signal]);
  const hardware = ["-machine", `${machine},accel=tcg`, "-m", "256M", "-nodefaults", "-no-reboot"];
  const output = ["-display", "none", "-monitor", "none", "-serial", "stdio"];
  const qemu = new Deno.Command("qemu-system-x86_64", {
    args: [...hardware, ...output, "-kernel", path, "-append", cmdline],
    stdin: "null",
    stdout: "piped",
    stderr: "piped",
    signal: stop,
  }).spawn();
  const errors = new Response(qemu.stderr).text();
  let serial = "";
  let matched = false;
  for await (const text of qemu.stdout.pipeThrough(new TextDecoderStream())) {
    serial += text;
    if (until === undefined || matched || !until.test(serial)) continue;
    matched = true;
    try {
      qemu.kill("SIGKILL");
    } catch {
      // It has just ended by itself.
    }
  }
  const [status, complaint] = await Promise.all([qemu.status, errors]);
  signal?.throwIfAborted();
  if (matched || (status.success && until === undefined)) return serial;
  const state = deadline.aborted ? `still ran after ${timeout} ms` : `exit code ${status.code}`;
  throw new Error(`Cannot boot "${path}": ${state}\n${complaint}\nserial output:\n${serial}`);
}
