/**
 * A web server on this machine for tests of what is downloaded.
 *
 * @module
 */
import { join } from "@std/path/posix";

/** A server of files. Disposing stops it. */
export interface FileServer extends AsyncDisposable {
  /** `http://127.0.0.1:PORT`, without a slash at its end. */
  readonly url: string;
  /** The paths that were asked for, in order. */
  readonly requests: readonly string[];
}

const types: Readonly<Record<string, string>> = {
  js: "text/javascript",
  json: "application/json",
  ts: "application/typescript",
};

/** Serves the files of a folder on a free port. */
export function serveFiles(folder: string): FileServer {
  const requests: string[] = [];
  const server = Deno.serve({ hostname: "127.0.0.1", port: 0, onListen: () => {} }, async (request) => {
    const { pathname } = new URL(request.url);
    requests.push(pathname);
    try {
      const file = await Deno.open(join(folder, pathname));
      const { isFile } = await file.stat();
      if (!isFile) {
        file.close();
        return new Response("", { status: 404 });
      }
      const type = types[pathname.slice(pathname.lastIndexOf(".") + 1)] ?? "application/octet-stream";
      return new Response(file.readable, { headers: { "content-type": type } });
    } catch (error) {
      if (error instanceof Deno.errors.NotFound || error instanceof Deno.errors.NotADirectory) {
        return new Response("", { status: 404 });
      }
      throw error;
    }
  });
  return {
    url: `http://127.0.0.1:${server.addr.port}`,
    requests,
    [Symbol.asyncDispose]: () => server.shutdown(),
  };
}
