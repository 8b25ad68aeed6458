/**
 * WORKDIR: the directory is made when it is not there.
 *
 * @module
 */
import { finding } from "../codes.ts";
import type { Diagnostic } from "../diagnostic.ts";
import { ConflictError, Draft, NameError } from "./draft.ts";
import { parseOwner, root } from "./owner.ts";
import type { LayerTree, Rootfs } from "../rootfs.ts";
import type { WorkdirStep } from "../stage.ts";
import { cleanPath } from "../tree.ts";

/**
 * Plans one WORKDIR. What it makes belongs to the USER at this point; one that the image does not know counts as
 * root, as with BuildKit.
 *
 * @param step the instruction
 * @param rootfs the image so far
 * @param report takes what is wrong
 * @returns the layer; `undefined` when nothing has to be made
 */
export function planWorkdir(
  { path, user, span }: WorkdirStep,
  rootfs: Rootfs,
  report: (diagnostic: Diagnostic) => void,
): LayerTree | undefined {
  const draft = new Draft(rootfs);
  const owner = user === undefined ? root : parseOwner(user, rootfs);
  try {
    draft.makeDirectory(draft.locate(cleanPath(path)), "missing" in owner ? root : owner);
  } catch (error) {
    if (!(error instanceof ConflictError)) throw error;
    const code = error instanceof NameError ? "BIMA118" : "BIMA106";
    report(finding(code, `Cannot make the working directory "${path}": ${error.message}`, span));
  }
  const tree = draft.finish();
  return tree.size === 0 ? undefined : tree;
}
