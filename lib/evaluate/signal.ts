/**
 * The signals that STOPSIGNAL may name.
 *
 * @module
 */

/** Linux' signals without their prefix, as Docker knows them. */
const names = (
  "ABRT ALRM BUS CHLD CLD CONT FPE HUP ILL INT IO IOT KILL PIPE POLL PROF PWR QUIT SEGV STKFLT STOP SYS TERM " +
  "TRAP TSTP TTIN TTOU URG USR1 USR2 VTALRM WINCH XCPU XFSZ"
).split(" ");

/** @returns whether the text is a signal's number, 1 to 64, or its name in any case, with or without `SIG` */
export function isSignal(text: string): boolean {
  if (/^[0-9]+$/.test(text)) return Number(text) >= 1 && Number(text) <= 64;
  const name = text.toUpperCase().replace(/^SIG/, "");
  const [, base, offset = "0"] = /^RT(MIN|MAX)(?:[+-]([0-9]{1,2}))?$/.exec(name) ?? [];
  if (base === "MIN") return !name.includes("-") && Number(offset) <= 15;
  if (base === "MAX") return !name.includes("+") && Number(offset) <= 14;
  return names.includes(name);
}
