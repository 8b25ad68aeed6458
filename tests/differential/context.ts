import type { Files } from "../support/context.ts";

/** Files of every kind, mode and kind of name. */
export const basic: Files = {
  "a": "a",
  "b": "b",
  "c.txt": "c",
  "d.txt": "d",
  "empty": "",
  "tool": { text: "tool", mode: 0o755 },
  "secret": { text: "secret", mode: 0o600 },
  "shut": { text: "shut", mode: 0 },
  "dir": { directory: 0o750 },
  "dir/x": "x",
  "dir/y": { text: "y", mode: 0o640 },
  "dir/sub": { directory: 0o700 },
  "dir/sub/z": "z",
  "dir/void": { directory: 0o1777 },
  "dir/link": { link: "x" },
  "dir/broken": { link: "no/where" },
  "dir/abs": { link: "/etc/hosts" },
  "other/x": "other x",
  "other/sub": { directory: 0o711 },
  "other/sub/w": "w",
  "file-as-dir/sub": "a file",
  "link": { link: "a" },
  "dirlink": { link: "dir" },
  "chain": { link: "link" },
  "dangling": { link: "nothing" },
  "p/q/r/s": "deep",
  "one two/three four": "blanks",
  "naïve ☺": "unicode",
  "[x]": "brackets",
  "st*r": "star",
  "-dash": "dash",
  "$dollar": "dollar",
};

/** The user and group database of an image. */
export const users: Files = {
  "passwd": "root:x:0:0:root:/root:/bin/sh\napp:x:1001:1002:App:/home/app:/bin/false\n",
  "group": "root:x:0:\napp:x:1002:\nstaff:x:50:app\n",
};
