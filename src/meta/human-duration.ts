const second = 1000;
const minute = 60 * second;
const hour = 60 * minute;

/**
 * How long in few characters, finer the shorter it is: `45s`, `2m5s`, `3h`, `5d2h`, `4y12d`; `<invalid>` for two seconds
 * or more into the future. @upstream apimachinery/pkg/util/duration/duration.go HumanDuration
 */
export function humanDuration(ms: number): string {
  const seconds = Math.trunc(ms / second);
  if (seconds < -1) return "<invalid>";
  if (ms < 0) return "0s";
  if (seconds < 120) return `${seconds}s`;
  const minutes = Math.floor(ms / minute);
  if (minutes < 10) return pair(minutes, "m", seconds % 60, "s");
  if (minutes < 180) return `${minutes}m`;
  const hours = Math.floor(ms / hour);
  if (hours < 8) return pair(hours, "h", minutes % 60, "m");
  if (hours < 48) return `${hours}h`;
  const days = Math.floor(hours / 24);
  if (days < 8) return pair(days, "d", hours % 24, "h");
  if (days < 365 * 2) return `${days}d`;
  const years = Math.floor(days / 365);
  return years < 8 ? pair(years, "y", days % 365, "d") : `${years}y`;
}

const pair = (whole: number, unit: string, rest: number, restUnit: string): string => `${whole}${unit}${rest === 0 ? "" : `${rest}${restUnit}`}`;
