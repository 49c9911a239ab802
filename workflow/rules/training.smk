# Each variant is trained with each seed.  Checkpoints lie beside the weights and are no outputs:
# Snakemake leaves them alone, and a training that was killed goes on from them.


def gpus_of(wildcards):
    return PLAN.trainings[wildcards.model].get("gpus", 0)


# HTCondor has a name of its own.  Kubernetes takes any number of GPUs, none too, for a wish for some;
# and gives some only within limits.
GPUS = {"gpu": gpus_of, "request_gpus": gpus_of, "scale": 0} if PLAN.on_gpus else {}


# A file beside the checkpoint tells the settings.  The checkpoint of others goes before the file is
# written: with --restart, a job that is killed before its first epoch would find it again.  What has no
# such file was not made here, and is left to the command to judge.
rule train:
    input:
        jets=lambda w: within(PLAN.jets_of_training(w.model, "sample")),
        validation=lambda w: within(PLAN.jets_of_training(w.model, "validation")),
        before=lambda w: within(PLAN.trained_before(w.model, w.seed)),
    output:
        weights=OUT + "/weights/{seed}/{model}/weights.safetensors",
        card=OUT + "/weights/{seed}/{model}/card.json",
    params:
        asked=lambda w: PLAN.training(w.model),
        settings=lambda w: PLAN.settings(w.model),
    threads: lambda w: PLAN.trainings[w.model].get("threads", 1)
    resources:
        **requested_resources(
            lambda w: PLAN.of_training(w.model),
            lambda w, attempt: PLAN.minutes_of_training(w.model, attempt),
        ),
        kubernetes_memory_limit="8Gi",
        **GPUS,
    log:
        OUT + "/logs/train/{model}-{seed}.log",
    benchmark:
        OUT + "/benchmarks/train/{model}-{seed}.tsv"
    shell:
        "folder=$(dirname {output.weights})\n"
        "if ! grep -qsx {params.settings} $folder/settings; then\n"
        "  if [ -e $folder/settings ]; then rm -f $folder/checkpoint.pt; fi\n"
        "  echo {params.settings} > $folder/settings.new\n"
        "  mv $folder/settings.new $folder/settings\n"
        "fi\n"
        "OMP_NUM_THREADS={threads} repro train {params.asked} --seed {wildcards.seed}"
        " $(option --data {input.jets}) $(option --validation {input.validation})"
        " $(option --preload {input.before}) --out $folder > {log} 2>&1"


rule score:
    input:
        weights=OUT + "/weights/{seed}/{model}/weights.safetensors",
        jets=OUT + "/samples/{file}",
    output:
        OUT + "/scores/{seed}/{model}/{file}.npy",
    params:
        asked=lambda w: PLAN.scoring(w.model),
    threads: 1
    resources:
        **requested_resources(lambda w: PLAN.of_scoring(w.model, w.file)),
        kubernetes_memory_limit="4Gi",
        **GPUS,
    log:
        OUT + "/logs/score/{model}-{seed}-{file}.log",
    benchmark:
        OUT + "/benchmarks/score/{model}-{seed}-{file}.tsv"
    shell:
        "OMP_NUM_THREADS={threads} repro score {params.asked} {input.jets} --weights {input.weights}"
        " --out {output} > {log} 2>&1"


rule explain:
    input:
        weights=OUT + "/weights/{seed}/{model}/weights.safetensors",
        jets=OUT + "/samples/{file}",
    output:
        OUT + "/explanations/{seed}/{model}/{method}/{file}.json",
    params:
        asked=lambda w: PLAN.explaining(w.method, w.model),
    threads: 1
    resources:
        **requested_resources(lambda w: PLAN.of_explaining(w.method, w.model, w.file)),
        kubernetes_memory_limit="8Gi",
        **GPUS,
    log:
        OUT + "/logs/explain/{model}-{seed}-{method}-{file}.log",
    benchmark:
        OUT + "/benchmarks/explain/{model}-{seed}-{method}-{file}.tsv"
    shell:
        "OMP_NUM_THREADS={threads} repro explain {params.asked} {input.jets} --seed {wildcards.seed}"
        " --weights {input.weights} --out {output} > {log} 2>&1"
