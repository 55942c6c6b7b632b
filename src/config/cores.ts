/** How many cores this process may really use: the smaller of CPU affinity and cgroup quota. */
import { readFileSync } from 'node:fs'
import { availableParallelism } from 'node:os'

export interface CgroupFiles {
  /** Content of a file, or null. */
  read(path: string): string | null
}

const realFiles: CgroupFiles = {
  read: (path) => {
    try {
      return readFileSync(path, 'utf8')
    } catch {
      return null
    }
  }
}

/** @param affinity cores of the affinity mask */
export function usableCores(
  affinity: number = availableParallelism(),
  files: CgroupFiles = realFiles
): number {
  const quota = cgroupQuota(files)
  return Math.max(1, quota === null ? affinity : Math.min(affinity, Math.floor(quota)))
}

/** Cores' worth of CPU time the cgroup and its ancestors allow; null = no limit. */
export function cgroupQuota(files: CgroupFiles): number | null {
  const own = /^0::(\/.*)$/m.exec(files.read('/proc/self/cgroup') ?? '')?.[1] ?? '/'
  const quotas: number[] = []
  for (let path = own; ; path = path.slice(0, path.lastIndexOf('/'))) {
    const folder = path === '/' ? '' : path
    const [limit, period] = (files.read(`/sys/fs/cgroup${folder}/cpu.max`) ?? '').trim().split(' ')
    const cores = Number(limit) / Number(period)
    if (cores > 0) quotas.push(cores)
    if (folder === '') break
  }
  const limitV1 = Number(files.read('/sys/fs/cgroup/cpu/cpu.cfs_quota_us') ?? -1)
  const periodV1 = Number(files.read('/sys/fs/cgroup/cpu/cpu.cfs_period_us') ?? 0)
  if (limitV1 > 0 && periodV1 > 0) quotas.push(limitV1 / periodV1)
  return quotas.length > 0 ? Math.min(...quotas) : null
}
