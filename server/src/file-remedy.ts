const REMEDIES: Readonly<Record<string, string>> = {
  ENOSPC: 'free space on its disk',
  EDQUOT: 'free space on its disk, or have the quota raised',
  EISDIR: 'a folder has the name of the file; give the folder another name',
  ENOTDIR: 'a part of its path is a file; name another',
  EACCES: 'give this user the right to it',
  EPERM: 'give this user the right to it',
  EROFS: 'its disk is mounted for reading only; mount it for writing, or name another',
}

/** What to do about an error of the file system, by its code; `otherwise` for the rest. */
export const fileRemedy = (code: string, otherwise: string): string => REMEDIES[code] ?? otherwise
