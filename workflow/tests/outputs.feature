Feature: What a run leaves in the workspace

  Scenario: Everything that was asked for is there
    When the workflow is finished
    Then all the outputs should be included in the workspace
    And the workspace should include "results/small/samples/toptag-train.h5"
    And the workspace should include "results/small/samples/hbb-test.h5"
    And the workspace should include "results/small/weights/0/topodnn-baseline/weights.safetensors"
    And the workspace should include "results/small/weights/1/topodnn-baseline/weights.safetensors"
    And the workspace should include "results/small/weights/0/in-baseline/card.json"
    And the workspace should include "results/small/scores/0/topodnn-baseline/toptag-test.h5.npy"
    And the workspace should include "results/small/items/toptag/fig05.png"
    And the workspace should include "results/small/report/ro-crate-metadata.json"

  Scenario: No mark of a chunk is left
    When the workflow is finished
    Then the workspace should not include "results/small/samples/chunks/toptag-train-0-1.made"

  Scenario: Sizes are those of the small configuration
    When the workflow is finished
    Then the size of the file "results/small/samples/toptag-train.h5" should be between "200 KiB" and "1 MiB"
    And the size of the file "results/small/scores/0/topodnn-baseline/toptag-test.h5.npy" should be exactly "928 bytes"
    And the size of the file "results/small/verdicts.json" should be between "20 KiB" and "1 MiB"
    And the workspace size should be less than "64 MiB"
