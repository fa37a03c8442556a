#!/usr/bin/env bash
# Four workers on Slurm, one per node, in a folder that all nodes see.
#
#   sbatch slurm.sh data/customers.toml
#
#SBATCH --job-name=customers
#SBATCH --nodes=4
#SBATCH --ntasks-per-node=1
#SBATCH --cpus-per-task=8
#SBATCH --time=04:00:00
set -euo pipefail

port=${PORT:-12345}
workers=$(scontrol show hostnames "$SLURM_JOB_NODELIST" | sed "s/.*/\"&:$port\"/" | paste -sd,)
export cluster="{\"worker\": [$workers]}"

# Each task is the worker whose number it has; with --resume, a job that was requeued goes on.
srun bash -c '
    export TF_CONFIG="{\"cluster\": $cluster, \"task\": {\"type\": \"worker\", \"index\": $SLURM_PROCID}}"
    exec python -m mtl_keras.train "$@" --resume
' worker "$@"
